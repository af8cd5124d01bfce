"""Connections: what makes SQLite and PostgreSQL behave alike, and safe among threads and processes."""

import json
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import from_json
from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError

from app.adapters.sql_errors import translate_errors_of
from app.errors import ConfigurationError

BUSY_S = 30.0
"""How long a writer of SQLite waits for its turn."""

POSTGRES_CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A server that vanished is noticed within seconds, not after the hours of the kernel's own time-outs."""

SILENT_S = 30.0
"""A process that writes to PostgreSQL and says nothing for so long is frozen, and must not hold up all others."""

_QUERY_ONLY = "query_only"
"""What a connection to SQLite was told last."""

write_json = partial(json.dumps, ensure_ascii=False, allow_nan=False)


def parse_url(url: str) -> URL:
    """Read a database URL and choose the driver.

    Raises:
        ConfigurationError: Neither an SQLite file nor a PostgreSQL server.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "The database URL cannot be read: expected sqlite:///path/to/file or postgresql://user@host/name."
        ) from error
    if parsed.get_backend_name() in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed.set(drivername="sqlite")
    raise ConfigurationError(
        f"{parsed.render_as_string()} is not a database for Soundkin: "
        "expected sqlite:///path/to/file or postgresql://user@host/name."
    )


def open_engine(url: URL) -> Engine:
    """Make the engine of the service. PostgreSQL is not asked for anything yet; SQLite gets its folder."""
    return _open(url, foreign_keys=True)


def open_migration_engine(url: URL) -> Engine:
    """Make an engine that may rebuild tables.

    On SQLite a table is altered by copying it, and dropping the old one must not cascade into the others.
    """
    return _open(url, foreign_keys=False)


def reading(engine: Engine) -> Engine:
    """Return the same engine, whose transactions see one state of the database and write nothing."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(read_only=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def only_reads(connection: Connection) -> bool:
    """Whether a transaction on PostgreSQL is one that only reads, and so can hold no row."""
    return bool(connection.get_execution_options().get("postgresql_readonly"))


def insert_into(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """Begin an insert that knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _open(url: URL, *, foreign_keys: bool) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    engine = _open_sqlite(url, foreign_keys=foreign_keys) if is_sqlite else _open_postgres(url)
    translate_errors_of(engine)
    return engine


def _open_postgres(url: URL) -> Engine:
    engine = create_engine(
        url,
        connect_args=POSTGRES_CONNECT,
        pool_pre_ping=True,
        pool_size=5,
        max_overflow=35,
        json_serializer=write_json,
        json_deserializer=from_json,
    )
    event.listen(engine, "begin", _begin_postgres)
    return engine


def _open_sqlite(url: URL, *, foreign_keys: bool) -> Engine:
    Path(url.database or "").absolute().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_S, "check_same_thread": False},
        pool_size=5,
        max_overflow=35,
        json_serializer=write_json,
        json_deserializer=from_json,
    )
    event.listen(engine, "connect", _prepare_sqlite(foreign_keys=foreign_keys))
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(*, foreign_keys: bool) -> Callable[[sqlite3.Connection, Any], None]:
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the module would begin too late: only _begin_sqlite begins
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")
        _use_write_ahead_log(connection)

    return prepare


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL; several processes may try at once, and SQLite does not let them wait by itself."""
    deadline = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once unless only reading: a later upgrade fails when somebody else wrote meanwhile."""
    read_only = connection.get_execution_options().get("read_only", False)
    if connection.info.get(_QUERY_ONLY) is not read_only:
        connection.exec_driver_sql(f"PRAGMA query_only={'ON' if read_only else 'OFF'}")
        connection.info[_QUERY_ONLY] = read_only
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _begin_postgres(connection: Connection) -> None:
    """Have the server end a writer that went silent, and with it the locks of its rows and of the change log."""
    if not only_reads(connection):
        milliseconds = round(1000 * SILENT_S)
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = {milliseconds}")
