"""The rows of an index as one search sees them, and the exact ways to find the best of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.adapters.half_rows import HalfRows
from app.adapters.track_places import Places
from app.database import Numbers
from app.domain import Vectors
from app.index_rows import best, rounding
from app.ports import Hits

FEW = 1024
"""Up to so many rows are scored directly: cheaper than a scan."""

SPARE = 32
"""Candidates beyond k, so that the exact cut can nearly always be made among them."""

COMMON = 0.15
"""Where a filter leaves a larger share, all rows are scanned: FAISS does that quicker than we look at some."""

_OVERSHOOT = 1.5
"""So many times as many are then asked for as should do."""

_DEEPEST = 2048
"""Beyond, the list of the best takes FAISS longer than the scan."""

_BLOCK = 65_536
"""Rows scored in float64 at a time."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What may be found: how many tracks, and which positions; no mask is all."""

    count: int
    mask: NDArray[np.bool_] | None = None

    def among(self, positions: Numbers) -> Numbers:
        """Return those of the positions that may be found, in their order."""
        return positions if self.mask is None else positions[self.mask[positions]]

    def is_few(self, k: int) -> bool:
        """Whether they are scored directly when k are wanted."""
        return self.count <= max(FEW, k + SPARE)


@dataclass(frozen=True, slots=True)
class RowView:
    """Rows that do not change while they are looked at.

    Attributes:
        rows: (N, D).
        places: Their tracks.
        spaces: Where each space stands in a row.
        longest: No row is longer.
    """

    rows: HalfRows
    places: Places
    spaces: Sequence[slice]
    longest: float

    def __len__(self) -> int:
        return len(self.places)

    def choose(self, allowed: Numbers | None) -> Choice:
        """Return what a filter leaves."""
        if allowed is None:
            return Choice(len(self))
        mask = self.places.mask(np.asarray(allowed, dtype=np.int64))
        return Choice(int(np.count_nonzero(mask)), mask)

    def find(self, query: Vectors, k: int, choice: Choice) -> Hits:
        """Look at every row that may be found."""
        if choice.mask is None:
            numbers, scores = self._all_best(query, k)
        else:
            found = self._scanned(query, k, choice) if choice.count >= COMMON * len(self) else None
            numbers, scores = found or self.best_of(np.flatnonzero(choice.mask), query, k)
        return Hits(numbers, scores, exact=True, allowed=choice.count)

    def best_of(self, positions: Numbers, query: Vectors, k: int) -> tuple[Numbers, Vectors]:
        """Return numbers and scores of the k best of some positions, ties by number."""
        if len(positions) > k:
            rough = self.rows.scores(positions, query, self._active(query))
            cut = len(rough) - k
            positions = positions[rough >= np.partition(rough, cut)[cut] - rounding(query, self.longest)]
        return best(self.places.by_position[positions], self._blocks(positions), query, k)

    def _all_best(self, query: Vectors, k: int) -> tuple[Numbers, Vectors]:
        if len(self) <= max(FEW, k + SPARE):
            return self.best_of(np.arange(len(self)), query, k)
        positions, scores = self.rows.best(query, k + SPARE)
        floor = float(scores[k - 1]) - rounding(query, self.longest)
        if scores[-1] >= floor:
            positions = self.rows.above(query, np.nextafter(np.float32(floor), np.float32(-np.inf)))
        return self.best_of(positions, query, k)

    def _scanned(self, query: Vectors, k: int, choice: Choice) -> tuple[Numbers, Vectors] | None:
        """Scan as if all were allowed, deeper; ``None`` where too few of the best are."""
        depth = int(_OVERSHOOT * (k + SPARE) * len(self) / choice.count)
        if depth > min(_DEEPEST, len(self)):
            return None
        positions, scores = self.rows.best(query, depth)
        numbers, exact = self.best_of(choice.among(positions), query, k)
        sure = len(exact) == k and exact[-1] > scores[-1] + rounding(query, self.longest)
        return (numbers, exact) if sure else None

    def _active(self, query: Vectors) -> slice:
        """From the first to the last space that a query weighs."""
        weighed = [space for space in self.spaces if query[space].any()] or self.spaces
        return slice(weighed[0].start, weighed[-1].stop)

    def _blocks(self, positions: Numbers) -> Iterator[Vectors]:
        for start in range(0, len(positions), _BLOCK):
            yield self.rows.take(positions[start : start + _BLOCK])
