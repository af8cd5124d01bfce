"""The tracks that a similarity is compared with, to say how many percent are less similar."""

from dataclasses import dataclass

import numpy as np

from app.database import Numbers
from app.domain import Vectors
from app.ports import Searchable

SIZE = 4096
"""Tracks of a background; the whole catalogue where it is not larger."""

_SEED = 20_261

_GROWTH = 0.01
"""A sample stays until the catalogue has grown or shrunk by this share."""


@dataclass(frozen=True, slots=True)
class Background:
    """A sample of an index.

    Attributes:
        tracks: How many there were to choose from.
        changes: ``KeptIndex.changes`` when they were chosen.
        numbers: (B,) ascending.
        vectors: (B, D).
    """

    tracks: int
    changes: int
    numbers: Numbers
    vectors: Vectors

    def stands_for(self, tracks: int, changes: int) -> bool:
        """Whether it will do for what the index holds now; a small one must be up to date."""
        if max(tracks, self.tracks) <= SIZE:
            return changes == self.changes
        return abs(tracks - self.tracks) <= _GROWTH * self.tracks

    def scores(self, query: Vectors, without: Numbers) -> Vectors:
        """Return the inner products with a (D,) query, but for those of some tracks."""
        kept = ~np.isin(self.numbers, without)
        weighed = np.flatnonzero(query)
        active = slice(weighed[0], weighed[-1] + 1) if len(weighed) else slice(0, 0)
        scores: Vectors = self.vectors[:, active] @ query[active]
        return scores[kept]


def draw_background(index: Searchable, changes: int = 0) -> Background:
    """Choose the tracks; the same ones of the same index."""
    numbers = index.numbers()
    tracks = len(numbers)
    if tracks > SIZE:
        chosen = np.random.default_rng(_SEED).choice(tracks, SIZE, replace=False, shuffle=False)
        numbers = numbers[np.sort(chosen)]
    return Background(tracks, changes, numbers, index.vectors(numbers))
