"""Sessions of browsers in SQL, on SQLite and PostgreSQL."""

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from app.adapters.tables import session
from app.keys import Session


class SqlSessions:
    """Implements ``ports.Sessions``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: Session) -> None:
        self._connection.execute(
            insert(session),
            {"token_sha256": new.token_sha256, "key_sha256": new.key_sha256, "expires_at": new.expires_at},
        )

    def find(self, token_sha256: str) -> Session | None:
        row = self._connection.execute(select(session).where(session.c.token_sha256 == token_sha256)).one_or_none()
        return None if row is None else Session(row.token_sha256, row.key_sha256, row.expires_at)

    def remove(self, token_sha256: str) -> None:
        self._connection.execute(delete(session).where(session.c.token_sha256 == token_sha256))

    def remove_expired(self, now: datetime) -> int:
        return self._connection.execute(delete(session).where(session.c.expires_at <= now)).rowcount
