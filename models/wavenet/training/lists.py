"""Batches of lists: groups of similar tracks, in which every track is a query to the others.

Axis letters: B tracks of a batch, Q queries, n tracks of a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.datasets.annotations import Bools, Indices
from models.errors import TrainingImpossible
from models.runs.tracks import CorpusTrack
from models.wavenet.training.config import ListSettings
from models.wavenet.training.likeness import ANNOTATIONS, ORIGIN, Likeness, likenesses

MIN_GROUPS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """What a batch asks.

    Attributes:
        tracks: (B,) numbers of the tracks that are heard; one may come twice.
        queries: (Q,) places among them.
        listed: (Q, n) likewise, what each query ranks.
        relevance: (Q, n) 1 for similar tracks, 0 for others.
    """

    tracks: Indices
    queries: Tensor
    listed: Tensor
    relevance: Tensor


class ListSampler:
    """Draws batches.

    Args:
        tracks: Of the corpus.
        settings: How.

    Raises:
        TrainingImpossible: Too few tracks are similar to others in the respects that are asked for.
    """

    def __init__(self, tracks: Sequence[CorpusTrack], settings: ListSettings) -> None:
        self._settings = settings
        wanted = {ORIGIN: 1 - settings.by_annotations, ANNOTATIONS: settings.by_annotations}
        self._respects: list[tuple[Likeness, Indices]] = []
        shares: list[float] = []
        for likeness in likenesses(tracks, settings.min_jaccard):
            least = max(1, settings.similar)
            found = [row for row in likeness.known if len(likeness.companions(int(row))) >= least]
            queries = np.array(found, np.intp)
            if wanted[likeness.by] and _dissimilar(likeness, queries):
                self._respects.append((likeness, queries))
                shares.append(wanted[likeness.by] * len(queries))
        if not self._respects:
            raise TrainingImpossible(
                "No two tracks are similar by what the data says, or all are. Training needs albums (or sources) "
                "of several tracks, or tags that tracks have in common."
            )
        self._shares = np.array(shares) / sum(shares)

    def draw(self, generator: np.random.Generator) -> Lists:
        """A batch, in one respect and of one domain."""
        likeness, queries = self._respects[generator.choice(len(self._respects), p=self._shares)]
        firsts = self._firsts(likeness, queries, generator)
        rows = np.concatenate([self._group(likeness, int(first), generator) for first in firsts])
        alike = likeness.alike(rows)[:, rows]
        asked, listed = self._listed(alike, rows[:, None] == rows, generator)
        relevance = np.take_along_axis(alike[asked], listed, axis=1)
        return Lists(
            likeness.places[rows],
            torch.from_numpy(asked),
            torch.from_numpy(listed),
            torch.from_numpy(relevance.astype(np.float32)),
        )

    def _firsts(self, likeness: Likeness, queries: Indices, generator: np.random.Generator) -> Indices:
        """The first of each group; origins are drawn by the root of their size, and each once."""
        count = self._settings.groups
        if likeness.by == ANNOTATIONS:
            return np.asarray(generator.choice(queries, min(count, len(queries)), replace=False), np.intp)
        origins, sizes = np.unique(likeness.origins[queries], return_counts=True)
        weights = np.sqrt(sizes)
        drawn = generator.choice(origins, min(count, len(origins)), replace=False, p=weights / weights.sum())
        return np.array([generator.choice(queries[likeness.origins[queries] == origin]) for origin in drawn])

    def _group(self, likeness: Likeness, first: int, generator: np.random.Generator) -> Indices:
        companions = likeness.companions(first)
        wanted = self._settings.tracks - 1
        others = generator.choice(companions, wanted, replace=len(companions) < wanted)
        return np.array([first, *others], np.intp)

    def _listed(self, alike: Bools, same: Bools, generator: np.random.Generator) -> tuple[Indices, Indices]:
        """(Q,) queries and (Q, n) what each ranks: all others, or some that are similar and some that are not.

        All others may hold another crop of the same track, where a group has too few of them; drawn lists do not.
        """
        settings = self._settings
        if not settings.similar:
            size = len(alike)
            others = np.nonzero(~np.eye(size, dtype=np.bool_))[1].reshape(size, size - 1)
            return np.arange(size), others
        noise = generator.random(alike.shape)
        parts, enough = [], np.ones(len(alike), np.bool_)
        for among, count in ((alike & ~same, settings.similar), (~alike, settings.dissimilar)):
            enough &= among.sum(axis=1) >= count
            parts.append(np.argsort(np.where(among, noise, np.inf), axis=1)[:, :count])
        asked = np.flatnonzero(enough)
        return asked, np.hstack(parts)[asked]


def _dissimilar(likeness: Likeness, queries: Indices) -> bool:
    """Whether there are groups that differ."""
    if len(queries) < MIN_GROUPS:
        return False
    return not likeness.alike(queries)[:, queries].all()
