"""The change log: rows numbered so that the order of numbers is the order of commits."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from app.adapters.tables import change, change_counter
from app.domain import Change, ChangeKind, utc_now

COUNTER = 1
"""Id of the only row of ``change_counter``."""

_LAST = select(change_counter.c.value)


class SqlChangeLog:
    """Implements ``ports.ChangeLog``.

    Whoever numbers its changes holds the counter's row until its commit, so that a later number is never visible
    before an earlier one. Rows wait in memory until ``flush``, right before the commit, to hold it shortly.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: list[tuple[str, ChangeKind, str, int | None]] = []

    def append(self, library_id: str, kind: ChangeKind, subject: str, number: int | None = None) -> None:
        self._waiting.append((library_id, kind, subject, number))

    def after(self, seq: int, *, library_id: str | None = None, limit: int = 1000) -> Sequence[Change]:
        query = select(change).where(change.c.seq > seq).order_by(change.c.seq).limit(limit)
        if library_id is not None:
            query = query.where(change.c.library_id == library_id)
        return [
            Change(row.seq, row.library_id, ChangeKind(row.kind), row.subject, row.number, row.at)
            for row in self._connection.execute(query)
        ]

    def last_seq(self) -> int:
        last: int = self._connection.execute(_LAST).scalar_one()
        return last

    def forget(self, before: datetime, *, limit: int = 10_000) -> int:
        oldest = self._connection.scalar(select(func.min(change.c.seq)))
        if oldest is None:
            return 0
        young = select(func.min(change.c.seq)).where(change.c.seq < oldest + limit, change.c.at >= before)
        end = self._connection.scalar(young) or oldest + limit
        return self._connection.execute(delete(change).where(change.c.seq < end)).rowcount

    def flush(self) -> None:
        """Take the numbers and write what waits. The transaction must commit next."""
        if not self._waiting:
            return
        last: int = self._connection.execute(
            update(change_counter)
            .where(change_counter.c.id == COUNTER)
            .values(value=change_counter.c.value + len(self._waiting))
            .returning(change_counter.c.value)
        ).scalar_one()
        now = utc_now()
        first = last - len(self._waiting) + 1
        self._connection.execute(
            insert(change),
            [
                {
                    "seq": seq,
                    "library_id": library_id,
                    "kind": kind,
                    "subject": subject,
                    "number": number,
                    "at": now,
                }
                for seq, (library_id, kind, subject, number) in enumerate(self._waiting, start=first)
            ],
        )
        self._waiting.clear()
