"""How many tracks there are, for those who look often: pages, metrics, people at the command line."""

import math
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.database import Transaction
from app.domain import TrackState
from app.services.indexing import IndexKeeper

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

_QUICK_S = 0.05
"""What is counted as quickly is always counted anew."""

_REST = 20
"""Anything else after so many times as long as the last count took: half a second at a million tracks."""


class TrackCounts:
    """Counts tracks, at little cost also where there are millions.

    Args:
        keeper: Knows how many are in an index, at most a moment late; without one the database is asked.
        clock: Tells seconds.
    """

    def __init__(
        self, keeper: IndexKeeper | None = None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._keeper = keeper
        self._by_state: _Recent[str, Mapping[TrackState, int]] = _Recent(clock)
        self._embedded: _Recent[tuple[str, str], int] = _Recent(clock)

    def by_state(self, tx: Transaction, library_id: str) -> Mapping[TrackState, int]:
        """Return how many tracks of a library are in each state, now or lately."""
        return self._by_state.get(library_id, lambda: tx.catalogue.count_tracks(library_id))

    def embedded(self, tx: Transaction, library_id: str, encoder_id: str) -> int:
        """Return how many tracks of a library an encoder has embedded, now or lately."""
        kept = self._keeper.get(library_id, encoder_id) if self._keeper else None
        if kept is not None:
            return len(kept.index)
        key = library_id, encoder_id
        return self._embedded.get(key, lambda: tx.catalogue.count_embedded(library_id, encoder_id))


@dataclass(slots=True)
class _Counted(Generic[T]):
    """``due``: when to count anew; ``None`` for every time."""

    count: T
    due: float | None


class _Recent(Generic[K, T]):
    """What was counted lately. While somebody counts anew what takes long, all others get what is known."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[K, _Counted[T]] = {}

    def get(self, key: K, count: Callable[[], T]) -> T:
        known, now = self._known.get(key), self._clock()
        if known is None or known.due is None:
            return self._count(key, count)
        if now < known.due:
            return known.count
        known.due = math.inf
        try:
            return self._count(key, count)
        finally:
            known.due = now

    def _count(self, key: K, count: Callable[[], T]) -> T:
        started = self._clock()
        counted = count()
        took_s = self._clock() - started
        self._known[key] = _Counted(counted, None if took_s < _QUICK_S else self._clock() + _REST * took_s)
        return counted
