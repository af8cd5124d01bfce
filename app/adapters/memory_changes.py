"""The change log in memory."""

from collections.abc import Callable, Sequence
from datetime import datetime

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
        rows = self._state.changes[max(seq, 0) :]
        return [row for row in rows if library_id in {None, row.library_id}][:limit]

    def last_seq(self) -> int:
        return len(self._state.changes)

    def flush(self) -> None:
        """Number and write what waits, at the end of the transaction."""
        for library_id, kind, subject, number in self._waiting:
            seq = self.last_seq() + 1
            self._state.changes.append(Change(seq, library_id, kind, subject, number, self._clock()))
        self._waiting.clear()
