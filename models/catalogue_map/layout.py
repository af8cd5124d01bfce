"""Where tracks lie on a map: t-SNE (van der Maaten and Hinton 2008; openTSNE), for a few tracks their components.

Why t-SNE, and with these numbers: docs/decisions/0019-how-the-map-is-drawn.md.
Axis letters: N tracks, D dimensions, K neighbours.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from openTSNE import TSNEEmbedding
from openTSNE.affinity import PerplexityBasedNN
from openTSNE.nearest_neighbors import PrecomputedNeighbors
from sklearn.neighbors import NearestNeighbors

from models.catalogue_map.components import Floats, Reached, main_components

Indices = NDArray[np.intp]

PERPLEXITY: Final = 30.0
NEIGHBOURS_PER_PERPLEXITY: Final = 3
COMPONENTS: Final = 50
FEWEST: Final = 30
"""Below that t-SNE has nothing to tell near from far by."""

EARLY: Final = 250
LATE: Final = 250
_EXAGGERATION: Final = 12.0
_TRACKS_EACH: Final = 50
"""Tracks for each 1 of early exaggeration: among few, attraction as strong as usual draws all into one point."""

_START: Final = 1e-4
_EVERY: Final = 10
_CHUNK: Final = 512
_ALIKE: Final = 1e-6


def lay_out(vectors: Floats, seed: int, reached: Reached, until: float = np.inf) -> Floats:
    """(N, 2) positions in [-1, 1] of (N, D) vectors whose inner products are similarities.

    The same vectors and seed have the same positions, unless time runs out.

    Args:
        vectors: At least one.
        seed: Of what is left to chance.
        reached: Hears of the stages ``neighbours`` and ``layout``.
        until: When to stop, by ``time.monotonic``: the positions are then those found so far.
    """
    components = main_components(vectors, COMPONENTS)
    flat = _two_columns(components)
    if len(vectors) < FEWEST or np.ptp(flat, axis=0).max() < _ALIKE:
        return fitted(flat)
    found = nearest(components, reached)
    chance = np.random.default_rng(seed).normal(scale=_START / 100, size=flat.shape)
    start = flat / flat[:, 0].std() * _START + chance  # tracks that are equal do not stay in one place
    embedding = TSNEEmbedding(start, found.affinities(), n_jobs=1, random_state=seed)
    progress = _Progress(reached, until)
    early = float(np.clip(len(vectors) / _TRACKS_EACH, 1.0, _EXAGGERATION))
    embedding = _descend(embedding, EARLY, progress, exaggeration=early, momentum=0.5)
    embedding = _descend(embedding, LATE, progress, exaggeration=1.0, momentum=0.8)
    return fitted(np.asarray(embedding))


def fitted(positions: "NDArray[np.floating[Any]]") -> Floats:
    """(N, 2) moved and scaled, both directions alike, to just fill [-1, 1]; all 0 where all are alike."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    half = float((high - low).max()) / 2
    if half < _ALIKE:
        return np.zeros(positions.shape, np.float32)
    scaled: Floats = np.clip((positions - (low + high) / 2) / half, -1, 1).astype(np.float32)
    return scaled


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """(N, K) the nearest others of each track, nearest first, and how far they are."""

    indices: Indices
    distances: Floats

    def affinities(self) -> PerplexityBasedNN:
        """How much each track attracts its neighbours."""
        known = PrecomputedNeighbors(self.indices, self.distances.astype(np.float64))
        perplexity = min(PERPLEXITY, self.indices.shape[1] / NEIGHBOURS_PER_PERPLEXITY)
        return PerplexityBasedNN(knn_index=known, perplexity=perplexity, n_jobs=1)


def nearest(components: Floats, reached: Reached) -> Neighbours:
    """Find the neighbours that t-SNE looks at, exactly, in parts, so that it can be stopped between two of them."""
    count = min(len(components) - 1, round(NEIGHBOURS_PER_PERPLEXITY * PERPLEXITY))
    search = NearestNeighbors(n_neighbors=count + 1, algorithm="brute").fit(components)
    parts = []
    for start in range(0, len(components), _CHUNK):
        reached("neighbours", start / len(components))
        distances, indices = search.kneighbors(components[start : start + _CHUNK])
        parts.append(_without_self(indices, distances, start))
    return Neighbours(
        np.concatenate([part.indices for part in parts]), np.concatenate([part.distances for part in parts])
    )


def _without_self(indices: Indices, distances: Floats, first: int) -> Neighbours:
    """Leave out the track itself; where it hides behind more equal ones than were asked for, the last."""
    rows, columns = indices.shape
    own = indices == first + np.arange(rows)[:, None]
    own[~own.any(axis=1), -1] = True
    return Neighbours(indices[~own].reshape(rows, columns - 1), distances[~own].reshape(rows, columns - 1))


def _two_columns(components: Floats) -> Floats:
    """(N, 2) the first two components; zero where there are fewer."""
    missing = max(0, 2 - components.shape[1])
    return np.pad(components[:, :2], ((0, 0), (0, missing)))


@dataclass(slots=True)
class _Progress:
    """Counts the steps of both phases, and says when time is up."""

    reached: Reached
    until: float
    steps: int = 0
    is_over: bool = field(default=False)

    def __call__(self, _step: int, _error: float, _embedding: TSNEEmbedding) -> bool:
        self.steps += _EVERY
        self.reached("layout", min(1.0, self.steps / (EARLY + LATE)))
        self.is_over = time.monotonic() >= self.until
        return self.is_over


def _descend(embedding: TSNEEmbedding, steps: int, progress: _Progress, **options: float) -> TSNEEmbedding:
    if progress.is_over:
        return embedding
    callbacks: Sequence[Callable[[int, float, TSNEEmbedding], bool]] = [progress]
    return embedding.optimize(steps, callbacks=callbacks, callbacks_every_iters=_EVERY, **options)
