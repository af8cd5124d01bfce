"""The database of the service, on SQLite or PostgreSQL: one code path, in SQLAlchemy Core."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.exc import TimeoutError as PoolExhausted

from app.adapters import sql_schema
from app.adapters.sql_briefs import SqlBriefs
from app.adapters.sql_catalogue import SqlCatalogue
from app.adapters.sql_changes import SqlChangeLog
from app.adapters.sql_engine import open_engine, parse_url, reading
from app.adapters.sql_maps import SqlMaps
from app.adapters.sql_queue import SqlJobQueue
from app.adapters.sql_sessions import SqlSessions
from app.adapters.sql_tag_counts import SqlTagCounts
from app.adapters.sql_weightings import SqlWeightings
from app.adapters.tables import track
from app.errors import DatabaseUnavailable


class SqlTransaction:
    """One unit of work on one connection. Implements ``ports.Transaction``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tag_counts = SqlTagCounts(connection)

    @cached_property
    def catalogue(self) -> SqlCatalogue:
        """Tracks, encoders, vectors and keys."""
        return SqlCatalogue(self._connection, self._tag_counts)

    @cached_property
    def queue(self) -> SqlJobQueue:
        """The lease queue."""
        return SqlJobQueue(self._connection, self.changes)

    @cached_property
    def changes(self) -> SqlChangeLog:
        """The change log."""
        return SqlChangeLog(self._connection)

    @cached_property
    def sessions(self) -> SqlSessions:
        """Browsers that were shown a key."""
        return SqlSessions(self._connection)

    @cached_property
    def weightings(self) -> SqlWeightings:
        """Weightings that people keep."""
        return SqlWeightings(self._connection)

    @cached_property
    def maps(self) -> SqlMaps:
        """Maps of catalogues."""
        return SqlMaps(self._connection)

    @cached_property
    def briefs(self) -> SqlBriefs:
        """Stored briefs."""
        return SqlBriefs(self._connection)

    def flush(self) -> None:
        """Write what has waited for the end, that others wait shortly. The transaction must commit next."""
        self._tag_counts.flush()
        self.changes.flush()


_COUNTED = 1000
"""Rows of an index that SQLite looks at to know how much it tells apart."""

_GROWTH = 1.5
"""It looks again once so many times as many tracks have come."""


class SqlDatabase:
    """Implements ``ports.Database``.

    The embedded SQLite migrates itself at the first use. A PostgreSQL is shared, so it is only checked: its
    operator runs ``soundkin db migrate``, which calls ``migrate``.
    """

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self._engine = open_engine(self._url)
        self._reading_engine = reading(self._engine)
        self._preparing = threading.Lock()
        self._prepared = False
        self._counted_at = 0

    @contextmanager
    def transaction(self, *, read_only: bool = False) -> Iterator[SqlTransaction]:
        """Commit when the block ends, roll back when it raises."""
        engine = self._reading_engine if read_only else self._engine
        self._prepare()
        with _connected(engine) as connection, connection.begin():
            unit = SqlTransaction(connection)
            yield unit
            unit.flush()

    def ping(self) -> None:
        """Raise ``DatabaseUnavailable`` unless the database answers."""
        self._prepare()
        with _connected(self._reading_engine) as connection:
            connection.execute(text("SELECT 1"))

    def tidy(self) -> None:
        """Let SQLite count what stands in its tables: it takes the index of a library for every question else.

        PostgreSQL does so by itself.
        """
        self._prepare()
        if self._engine.dialect.name != "sqlite":
            return
        with _connected(self._reading_engine) as connection:
            highest = connection.scalar(select(func.max(track.c.number))) or 0
        if highest <= _GROWTH * self._counted_at:
            return
        with _connected(self._engine) as connection, connection.begin():
            connection.exec_driver_sql(f"PRAGMA analysis_limit={_COUNTED}")
            connection.exec_driver_sql("ANALYZE")
        for engine in (self._engine, self._reading_engine):
            engine.dispose()  # a connection that is open does not hear of it
        self._counted_at = highest

    def migrate(self) -> None:
        """Bring the tables to the newest version; safe to call from several processes at once."""
        sql_schema.upgrade(self._url)

    def downgrade(self, revision: str) -> None:
        """Bring the tables to an older version; ``"base"`` removes them all."""
        sql_schema.downgrade(self._url, revision)

    def revision(self) -> str | None:
        """Return the version of the tables; ``None`` before the first migration."""
        with self._reading_engine.connect() as connection:
            return sql_schema.current_revision(connection)

    def close(self) -> None:
        """Give back every connection."""
        self._engine.dispose()

    def _prepare(self) -> None:
        """Before the first use, see to it that the tables are those which this code knows."""
        if self._prepared:
            return
        with self._preparing:
            if not self._prepared and self._engine.dialect.name == "sqlite":
                sql_schema.upgrade(self._url)
            elif not self._prepared:
                with self._engine.connect() as connection:
                    sql_schema.check(connection)
            self._prepared = True


def _connected(engine: Engine) -> Connection:
    """Take a connection. No driver is asked when all are in use, so ``sql_errors`` does not hear of it."""
    try:
        return engine.connect()
    except PoolExhausted as error:
        raise DatabaseUnavailable("All connections to the database are in use; try again.") from error
