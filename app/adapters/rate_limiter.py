"""Counting requests over a sliding minute, in this process or in Redis, with the package ``limits``."""

import time
from collections.abc import Callable
from typing import Final

import structlog
from limits import RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.ports import Allowance

log = structlog.get_logger(__name__)

PREFIX: Final = "soundkin:limit"
"""Before every key in Redis."""

PATIENCE_S = 1.0
"""A request waits no longer for Redis: better uncounted than late."""

RETRY_S: Final = 5.0
"""While the server is away it is tried no more often than this."""


Question = Callable[[SlidingWindowCounterRateLimiter, str, int], Allowance]


class MemoryRateLimiter:
    """Counts in this process only."""

    def __init__(self) -> None:
        self._window = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, subject: str, limit: int) -> Allowance:
        return _taken(self._window, subject, limit)

    def look(self, subject: str, limit: int) -> Allowance:
        return _left(self._window, subject, limit)

    def close(self) -> None:
        """There is nothing to give back."""


class RedisRateLimiter:
    """Counts in Redis, for all web processes together. While it is away everything is granted, which is logged."""

    def __init__(self, url: str) -> None:
        self._pool = ConnectionPool.from_url(
            url, socket_connect_timeout=PATIENCE_S, socket_timeout=PATIENCE_S, retry=Retry(NoBackoff(), 0)
        )
        storage = RedisStorage(url, connection_pool=self._pool, key_prefix=PREFIX, wrap_exceptions=True)
        self._window = SlidingWindowCounterRateLimiter(storage)
        self._away_until = 0.0
        self._away = False

    def take(self, subject: str, limit: int) -> Allowance:
        return self._ask(_taken, subject, limit)

    def look(self, subject: str, limit: int) -> Allowance:
        return self._ask(_left, subject, limit)

    def close(self) -> None:
        self._pool.disconnect()

    def _ask(self, question: Question, subject: str, limit: int) -> Allowance:
        if time.monotonic() < self._away_until:
            return _everything(limit)
        try:
            found = question(self._window, subject, limit)
        except StorageError as error:
            self._note(error)
            return _everything(limit)
        self._note(None)
        return found

    def _note(self, error: StorageError | None) -> None:
        """Remember whether the server is there, and say so once per outage."""
        if error is not None:
            self._away_until = time.monotonic() + RETRY_S
            if not self._away:
                log.warning("rate limits away", error=str(error.storage_error), advice="requests are not counted")
        elif self._away:
            log.info("rate limits back")
        self._away = error is not None


def _taken(window: SlidingWindowCounterRateLimiter, subject: str, limit: int) -> Allowance:
    granted = window.hit(RateLimitItemPerMinute(limit), subject)
    left = _left(window, subject, limit)
    return Allowance(granted, limit, left.remaining, left.reset_s)


def _left(window: SlidingWindowCounterRateLimiter, subject: str, limit: int) -> Allowance:
    stats = window.get_window_stats(RateLimitItemPerMinute(limit), subject)
    return Allowance(stats.remaining > 0, limit, stats.remaining, max(0.0, stats.reset_time - time.time()))


def _everything(limit: int) -> Allowance:
    return Allowance(granted=True, limit=limit, remaining=limit, reset_s=0.0)
