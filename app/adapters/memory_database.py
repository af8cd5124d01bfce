"""The database in memory: for tests, and the reference for the real ones."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from app.adapters.memory_briefs import MemoryBriefs
from app.adapters.memory_catalogue import MemoryCatalogue
from app.adapters.memory_changes import MemoryChangeLog
from app.adapters.memory_maps import MemoryMaps
from app.adapters.memory_queue import MemoryJobQueue
from app.adapters.memory_sessions import MemorySessions
from app.adapters.memory_state import MemoryState
from app.adapters.memory_weightings import MemoryWeightings
from app.domain import utc_now


@dataclass(frozen=True, slots=True)
class MemoryTransaction:
    """One unit of work. Implements ``ports.Transaction``."""

    catalogue: MemoryCatalogue
    queue: MemoryJobQueue
    changes: MemoryChangeLog
    sessions: MemorySessions
    weightings: MemoryWeightings
    briefs: MemoryBriefs
    maps: MemoryMaps


class MemoryDatabase:
    """Implements ``ports.Database``: one transaction at a time, on a copy that becomes the state at commit."""

    def __init__(self, clock: Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self._state = MemoryState()
        self._turn = threading.Lock()

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[MemoryTransaction]:
        """Commit when the block ends, roll back when it raises; a read-only one leaves nothing behind."""
        with self._turn:
            state = self._state.copy()
            changes = MemoryChangeLog(state, self._clock)
            queue = MemoryJobQueue(state, changes, self._clock)
            yield MemoryTransaction(
                MemoryCatalogue(state, self._clock),
                queue,
                changes,
                MemorySessions(state),
                MemoryWeightings(state),
                MemoryBriefs(state),
                MemoryMaps(state, self._clock),
            )
            changes.flush()
            if not read_only:
                self._state = state

    def ping(self) -> None:
        """Memory always answers."""

    def tidy(self) -> None:
        """Nothing grows slow here."""

    def close(self) -> None:
        """Nothing to give back."""
