"""The database, open for the time of one command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.settings import read_settings
from app.wiring import open_database

if TYPE_CHECKING:
    from app.adapters.sql_database import SqlDatabase


@contextmanager
def opened_database() -> Iterator["SqlDatabase"]:
    """Open the configured database and close it when the block ends."""
    database = open_database(read_settings())
    try:
        yield database
    finally:
        database.close()
