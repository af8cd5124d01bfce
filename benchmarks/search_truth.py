"""What the right answer is: float64 inner products with the float32 vectors, as they were before any index."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.database import Numbers
from app.domain import Vectors
from app.query import inner_products

_BLOCK = 32_768
_MARGIN = 100
"""Candidates beyond k that float32 chooses, so that float64 decides."""

_ROUNDING = 1e-5
"""More than float32 can be wrong by, for queries and tracks whose spaces are of unit length."""


class _Candidates:
    """The best of each of Q queries so far, by float32."""

    def __init__(self, queries: int, depth: int) -> None:
        self._depth = depth
        self.numbers: Numbers = np.empty((queries, 0), dtype=np.int64)
        self.scores: Vectors = np.empty((queries, 0), dtype=np.float32)

    def offer(self, numbers: Numbers, scores: Vectors) -> None:
        """Look at (M,) more tracks with (Q, M) scores."""
        places = _highest(scores, self._depth)
        self.numbers = np.concatenate([self.numbers, numbers[places]], axis=1)
        self.scores = np.concatenate([self.scores, np.take_along_axis(scores, places, axis=1)], axis=1)
        kept = _highest(self.scores, self._depth)
        self.numbers = np.take_along_axis(self.numbers, kept, axis=1)
        self.scores = np.take_along_axis(self.scores, kept, axis=1)


def _highest(scores: Vectors, count: int) -> NDArray[np.intp]:
    """(Q, at most count) places of the highest in each row, in no order."""
    if scores.shape[1] <= count:
        return np.broadcast_to(np.arange(scores.shape[1]), scores.shape)
    return np.argpartition(scores, -count, axis=1)[:, -count:]


def truth(
    vectors: Vectors, queries: Sequence[Vectors], k: int, filters: Mapping[str, Numbers | None]
) -> dict[str, list[Numbers]]:
    """The k best for each (D,) query, best first, ties by number; by filter, ``None`` leaving every track."""
    asked = np.stack(queries)
    candidates = {name: _Candidates(len(asked), k + _MARGIN) for name in filters}
    for start in range(0, len(vectors), _BLOCK):
        scores = asked @ vectors[start : start + _BLOCK].T
        numbers = np.arange(start, start + scores.shape[1])
        for name, allowed in filters.items():
            here = numbers if allowed is None else _between(allowed, start, start + _BLOCK)
            candidates[name].offer(here, scores if allowed is None else scores[:, here - start])
    return {name: _decided(vectors, asked, k, found) for name, found in candidates.items()}


def _between(numbers: Numbers, start: int, end: int) -> Numbers:
    first, last = np.searchsorted(numbers, [start, end])
    return numbers[first:last]


def _decided(vectors: Vectors, queries: Vectors, k: int, found: _Candidates) -> list[Numbers]:
    return [
        _best(vectors, query, k, numbers, float(scores.min(initial=np.inf)))
        for query, numbers, scores in zip(queries, found.numbers, found.scores, strict=True)
    ]


def _best(vectors: Vectors, query: Vectors, k: int, numbers: Numbers, lowest: float) -> Numbers:
    scores = inner_products(vectors[numbers], query)
    order = np.lexsort((numbers, -scores))[:k]
    if len(numbers) >= k + _MARGIN and scores[order[-1]] - lowest < _ROUNDING:
        raise RuntimeError("More tracks tie than the margin of float32 holds; nobody can say which are the best.")
    best: Numbers = numbers[order]
    return best


def recall(found: Sequence[Numbers], right: Sequence[Numbers]) -> float:
    """Share of the right ones that were found, over all queries."""
    hit = sum(len(np.intersect1d(ours, theirs)) for ours, theirs in zip(found, right, strict=True))
    return hit / max(1, sum(map(len, right)))
