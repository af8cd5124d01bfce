"""Outlasting a database that went away: wait, try again, say so once."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

import structlog

from app.errors import DatabaseUnavailable, StorageFull

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 4.0


def pause_s(failures: int) -> float:
    """How long to wait after so many failures in a row (at least one)."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16))


def outlast(action: Callable[[], T], check: Callable[[], None] = lambda: None) -> T:
    """Do something with the database, however long it is away.

    Args:
        action: May be done again: one transaction.
        check: Called before each new try; raises when there is no more point in waiting.
    """
    failures = 0
    while True:
        try:
            result = action()
        except (DatabaseUnavailable, StorageFull) as error:
            failures += 1
            if failures == 1:
                log.warning("database.away", error=str(error))
            time.sleep(pause_s(failures))
            check()
        else:
            if failures:
                log.info("database.back", failures=failures)
            return result
