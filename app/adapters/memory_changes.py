"""The change log in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import takewhile

from app.adapters.memory_state import MemoryState
from app.domain import Change, ChangeKind


class MemoryChangeLog:
    """Implements ``ports.ChangeLog``; rows wait until ``flush``, as those of the SQL databases."""

    def __init__(self, state: MemoryState, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock
        self._waiting: list[tuple[str, ChangeKind, str, int | None]] = []

    def append(self, library_id: str, kind: ChangeKind, subject: str, number: int | None = None) -> None:
        self._waiting.append((library_id, kind, subject, number))

    def after(self, seq: int, *, library_id: str | None = None, limit: int = 1000) -> Sequence[Change]:
        rows = (row for row in self._state.changes if row.seq > seq)
        return [row for row in rows if library_id in {None, row.library_id}][:limit]

    def last_seq(self) -> int:
        return self._state.last_seq

    def forget(self, before: datetime, *, limit: int = 10_000) -> int:
        old = list(takewhile(lambda row: row.at < before, self._state.changes[:limit]))
        del self._state.changes[: len(old)]
        return len(old)

    def flush(self) -> None:
        """Number and write what waits, at the end of the transaction."""
        for library_id, kind, subject, number in self._waiting:
            self._state.last_seq += 1
            self._state.changes.append(
                Change(self._state.last_seq, library_id, kind, subject, number, self._clock())
            )
        self._waiting.clear()
