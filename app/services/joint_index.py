"""Searching the indexes of several encoders as if they were one.

The score of a track is the sum of its scores in each index. The best in each, ever more of them, are candidates
until no other track can reach their scores: the threshold algorithm (Fagin, Lotem and Naor, *Optimal aggregation
algorithms for middleware*, 2003, section 4). So the joint vectors are stored nowhere, and the result is exact where
each index is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np

from app.database import Numbers
from app.domain import Vectors
from app.index_rows import best, distinct, find
from app.ports import Hits, Searchable

_FEWEST = 256
"""Candidates that are asked of each index at first, where the catalogue is small."""

_DEEPER = 4
"""So many times as many are asked for when they did not do."""

_ROUNDING = 1e-6
"""More than float32 can make of the sum of a few scores."""

_BLOCK = 65_536
"""Joint vectors that are put together at a time."""


@dataclass(frozen=True, slots=True)
class JointIndex:
    """Indexes side by side. A track that one of them lacks is zero there.

    Attributes:
        indexes: At least one.
        places: Where the vectors of each stand in a joint one.
    """

    indexes: Sequence[Searchable]
    places: Sequence[slice]

    def __len__(self) -> int:
        return len(self.numbers())

    def numbers(self) -> Numbers:
        """All tracks that any of them holds, ascending."""
        first, *others = (index.numbers() for index in self.indexes)
        for other in others:
            if not np.array_equal(first, other):
                first = np.union1d(first, other)
        return first

    def vectors(self, numbers: Numbers) -> Vectors:
        """(N, D) joint vectors."""
        return np.concatenate([index.vectors(numbers) for index in self.indexes], axis=1)

    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        """The k best inner products with a (D,) query, ties by number."""
        count = self._count(allowed)
        depth = max(_FEWEST, 2 * k, isqrt(k * count))
        while True:
            found = [
                index.search(query[place], depth, allowed)
                for index, place in zip(self.indexes, self.places, strict=True)
            ]
            candidates = np.unique(np.concatenate([hits.numbers for hits in found]))
            numbers, scores = best(candidates, self._blocks(candidates), query, k)
            if _have_given_all(found, depth) or (
                len(scores) == k and scores[-1] > _highest_elsewhere(found, depth, count)
            ):
                exact, recall = all(hits.exact for hits in found), min(hits.recall for hits in found)
                return Hits(numbers, scores, exact=exact, allowed=count, recall=recall)
            depth *= _DEEPER

    def search_many(self, queries: Vectors, k: int, allowed: Numbers | None = None) -> Sequence[Hits]:
        """What ``search`` finds for each of (Q, D) queries."""
        return [self.search(query, k, allowed) for query in queries]

    def _count(self, allowed: Numbers | None) -> int:
        return len(self.numbers()) if allowed is None else len(find(self.numbers(), distinct(allowed))[0])

    def _blocks(self, numbers: Numbers) -> Iterator[Vectors]:
        for start in range(0, len(numbers), _BLOCK):
            yield self.vectors(numbers[start : start + _BLOCK])


def _have_given_all(found: Sequence[Hits], depth: int) -> bool:
    """Whether no index has more: asked of each itself, since all of them may change from one moment to the next."""
    return all(len(hits.numbers) < depth for hits in found)


def _highest_elsewhere(found: Sequence[Hits], depth: int, count: int) -> float:
    """What a track that no index has named can score at most."""
    return sum(_highest_left(hits, depth, count) for hits in found) + _ROUNDING


def _highest_left(hits: Hits, depth: int, count: int) -> float:
    """What is left in an index scores at most as much as the last one named, or 0 where the index lacks it."""
    if len(hits.numbers) < depth:
        return 0.0
    last = float(hits.scores[-1])
    return last if hits.allowed == count else max(last, 0.0)
