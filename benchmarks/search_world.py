"""The catalogue that engines are asked about: made up, or a real one's vectors drawn anew.

Letters: N tracks, S spaces, D dimensions of all spaces side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.database import Numbers
from app.domain import EncoderInfo, Space, Vectors

WIDTHS = (64,) * 6
"""Dimensions of each space, where nobody says otherwise."""

LATENT, GENRES, CLUSTERS = 48, 40, 2000
"""Hidden causes of a made-up track, and how many centres these have, coarse and fine."""

_OWN, _NOISE = 0.7, 0.6
"""How far a track lies from its cluster, and how much of a space nothing else foretells."""

_JITTER = 0.15
"""Length of what is added to a real unit vector each time it is drawn."""

_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Tracks:
    """(N, D) vectors, of unit length or zero in each space, and (N,) which kind of music each is."""

    vectors: Vectors
    kinds: NDArray[np.int32]


class Source(Protocol):
    """Where tracks come from."""

    widths: Sequence[int]

    def draw(self, count: int, generator: np.random.Generator) -> Tracks:
        """Tracks of the catalogue."""

    def held_out(self, count: int, generator: np.random.Generator) -> Vectors:
        """(N, D) of the same sort, which the catalogue has not."""


class MadeUp:
    """Spaces that hear the same hidden causes, each in its own way: genre, cluster, and what is a track's own."""

    def __init__(self, widths: Sequence[int] = WIDTHS, seed: int = 0) -> None:
        generator = np.random.default_rng(seed)
        self.widths = tuple(widths)
        genres = generator.standard_normal((GENRES, LATENT), dtype=np.float32)
        self._kinds = generator.integers(GENRES, size=CLUSTERS, dtype=np.int32)
        own = generator.standard_normal((CLUSTERS, LATENT), dtype=np.float32)
        self._centres = (genres[self._kinds] + own) / 2
        self._maps = generator.standard_normal((LATENT, sum(widths)), dtype=np.float32) / np.float32(LATENT**0.5)

    def draw(self, count: int, generator: np.random.Generator) -> Tracks:
        vectors = np.empty((count, sum(self.widths)), dtype=np.float32)
        clusters = generator.integers(CLUSTERS, size=count)
        for start in range(0, count, _BLOCK):
            block = slice(start, start + _BLOCK)
            vectors[block] = self._heard(clusters[block], generator)
        return Tracks(vectors, self._kinds[clusters])

    def _heard(self, clusters: Numbers, generator: np.random.Generator) -> Vectors:
        own = generator.standard_normal((len(clusters), LATENT), dtype=np.float32)
        heard = (self._centres[clusters] + _OWN * own) @ self._maps
        heard += _NOISE * generator.standard_normal(heard.shape, dtype=np.float32)
        return unit(heard, self.widths)

    def held_out(self, count: int, generator: np.random.Generator) -> Vectors:
        return self.draw(count, generator).vectors


class Resampled:
    """Real tracks, drawn with replacement and moved a little. Each tenth is kept for queries."""

    def __init__(self, vectors: Vectors, widths: Sequence[int], seed: int = 0) -> None:
        if vectors.ndim != 2 or vectors.shape[1] != sum(widths):
            raise SystemExit(f"The vectors have shape {vectors.shape}, the widths sum to {sum(widths)}.")
        generator = np.random.default_rng(seed)
        self.widths = tuple(widths)
        mixed = unit(vectors[generator.permutation(len(vectors))].astype(np.float32), widths)
        kept = max(1, len(mixed) // 10)
        self._held_out, self._there = mixed[:kept], mixed[kept:]
        anchors = self._there[generator.choice(len(self._there), min(GENRES, len(self._there)), replace=False)]
        self._kinds = np.argmax(self._there @ anchors.T, axis=1).astype(np.int32)

    def draw(self, count: int, generator: np.random.Generator) -> Tracks:
        chosen = generator.integers(len(self._there), size=count)
        vectors = self._there[chosen]
        for start in range(0, count, _BLOCK):
            block = slice(start, start + _BLOCK)
            vectors[block] = self._moved(vectors[block], generator)
        return Tracks(vectors, self._kinds[chosen])

    def _moved(self, vectors: Vectors, generator: np.random.Generator) -> Vectors:
        """A space that does not apply, and is zero, stays so."""
        lengths = np.repeat(np.sqrt(self.widths), self.widths).astype(np.float32)
        step = generator.standard_normal(vectors.shape, dtype=np.float32) * (_JITTER / lengths)
        return unit(vectors + np.where(vectors != 0, step, 0), self.widths)

    def held_out(self, count: int, generator: np.random.Generator) -> Vectors:
        return self._moved(self._held_out[generator.integers(len(self._held_out), size=count)], generator)


@dataclass(frozen=True, slots=True)
class World:
    """A catalogue, and what comes from outside.

    Attributes:
        encoder: Whose spaces these are.
        tracks: N of them; a track's number is its row.
        references: Tracks to ask by.
        arrivals: Tracks that are added later.
    """

    encoder: EncoderInfo
    tracks: Tracks
    references: Vectors
    arrivals: Vectors

    @property
    def vectors(self) -> Vectors:
        """(N, D)."""
        return self.tracks.vectors

    def __len__(self) -> int:
        return len(self.tracks.vectors)


def new_world(source: Source, count: int, seed: int = 0) -> World:
    """A world of so many tracks."""
    generator = np.random.default_rng([seed, 1])
    tracks = source.draw(count, generator)
    return World(encoder_of(source.widths), tracks, *(source.held_out(2048, generator) for _ in range(2)))


def encoder_of(widths: Sequence[int]) -> EncoderInfo:
    """An encoder with spaces of these widths."""
    spaces = tuple(Space(f"space{number}", width) for number, width in enumerate(widths))
    return EncoderInfo("benchmark", "benchmark", "1", "made up", spaces)


def unit(vectors: Vectors, widths: Sequence[int]) -> Vectors:
    """Give each space of (N, D) vectors unit length, in place; what is zero stays zero."""
    for start, end in pairwise([0, *np.cumsum(widths).tolist()]):
        lengths = np.linalg.norm(vectors[:, start:end], axis=1, keepdims=True)
        vectors[:, start:end] /= np.where(lengths > 0, lengths, 1)
    return vectors
