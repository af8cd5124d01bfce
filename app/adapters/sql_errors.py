"""The one place where errors of databases become errors of the service."""

import sqlite3

import psycopg
from sqlalchemy import Engine, ExceptionContext, event

from app.errors import (
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    InvalidRequest,
    SoundkinError,
    StorageFull,
)

MIGRATE = "Its tables are missing or of another version: run `soundkin db migrate`."
FULL = "The disk of the database is full: make room, then try again."

POSTGRES_CLASSES: dict[str, tuple[type[SoundkinError], str]] = {
    "08": (
        DatabaseUnavailable,
        "There is no connection to the database; check that it runs at SOUNDKIN_DATABASE_URL.",
    ),
    "22": (InvalidRequest, "The database cannot hold a value that came: shorten it or choose another."),
    "23": (Conflict, "The change contradicts what the database holds."),
    "25": (DatabaseUnavailable, "The database only reads at present; try again when its primary server is back."),
    "40": (DatabaseUnavailable, "The database gave up one of two changes that waited for each other; try again."),
    "42": (ConfigurationError, MIGRATE),
    "53": (DatabaseUnavailable, "The database server has no memory or connections left; try again later."),
    "55": (DatabaseUnavailable, "What was to be changed is locked; try again."),
    "57": (DatabaseUnavailable, "The database server is shutting down or starting; try again."),
    "58": (DatabaseUnavailable, "The database server met an error of its system; see its log."),
}
"""By the first two characters of SQLSTATE (PostgreSQL manual, appendix A)."""

SQLITE_CODES: dict[int, tuple[type[SoundkinError], str]] = {
    sqlite3.SQLITE_BUSY: (DatabaseUnavailable, "Other writers held the database for too long; try again."),
    sqlite3.SQLITE_LOCKED: (DatabaseUnavailable, "The database is locked; try again."),
    sqlite3.SQLITE_FULL: (StorageFull, FULL),
    sqlite3.SQLITE_IOERR: (DatabaseUnavailable, "The database file could not be read or written: check its disk."),
    sqlite3.SQLITE_CANTOPEN: (DatabaseUnavailable, "The database file cannot be opened: check path and rights."),
    sqlite3.SQLITE_PERM: (DatabaseUnavailable, "The database file may not be written: check its rights."),
    sqlite3.SQLITE_READONLY: (DatabaseUnavailable, "The database file may not be written: check its rights."),
    sqlite3.SQLITE_NOTADB: (ConfigurationError, "The file is no SQLite database: mend SOUNDKIN_DATABASE_URL."),
    sqlite3.SQLITE_CORRUPT: (ConfigurationError, "The database file is damaged: restore it from a backup."),
    sqlite3.SQLITE_CONSTRAINT: (Conflict, "The change contradicts what the database holds."),
    sqlite3.SQLITE_TOOBIG: (InvalidRequest, "The database cannot hold a value that came: shorten it."),
    sqlite3.SQLITE_ERROR: (ConfigurationError, MIGRATE),
}
"""By primary result code (https://www.sqlite.org/rescode.html)."""


def translate_errors_of(engine: Engine) -> None:
    """Let nothing of a driver out of this engine that an operator or caller can do something about."""
    event.listen(engine, "handle_error", _raise_translated)


def _raise_translated(failure: ExceptionContext) -> None:
    if failure.is_pre_ping:
        return  # the pool opens a new connection
    cause = failure.original_exception
    translated = translate(cause)
    if translated is not None:
        raise translated from cause


def translate(cause: BaseException) -> SoundkinError | None:
    """Choose the service's error; ``None`` for one that tells of a fault in the code."""
    known = None
    if isinstance(cause, psycopg.Error):
        known = _of_postgres(cause)
    elif isinstance(cause, sqlite3.Error):
        known = _of_sqlite(cause)
    if known is None:
        return None
    kind, advice = known
    return kind(f"{advice} ({str(cause).splitlines()[0] if str(cause) else type(cause).__name__})")


def _of_postgres(cause: psycopg.Error) -> tuple[type[SoundkinError], str] | None:
    if cause.sqlstate == "53100":
        return StorageFull, FULL
    if cause.sqlstate == "25P03":
        return DatabaseUnavailable, "The process was frozen in the middle of a change, which is undone; try again."
    if cause.sqlstate is None:  # not from the server: from the driver, before or instead of an answer
        return POSTGRES_CLASSES["22" if isinstance(cause, psycopg.DataError) else "08"]
    if cause.sqlstate.startswith("42") and cause.sqlstate not in {"42P01", "42703"}:
        return None  # a mistake in our SQL; only an unknown table or column speaks of another version
    return POSTGRES_CLASSES.get(cause.sqlstate[:2])


def _of_sqlite(cause: sqlite3.Error) -> tuple[type[SoundkinError], str] | None:
    code = getattr(cause, "sqlite_errorcode", None)  # absent on errors of the module itself
    if code is None:
        return None
    if code == sqlite3.SQLITE_ERROR and "no such" not in str(cause):
        return None
    return SQLITE_CODES.get(code & 0xFF)
