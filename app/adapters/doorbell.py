"""The doorbell: wakes workers that sleep between two looks at the queue. The truth is in the database."""

import threading
import time
from typing import Final

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.errors import Transient

log = structlog.get_logger(__name__)

KEY: Final = "soundkin:bell"
"""The only key: a list with one entry per ring that nobody has heard yet."""

MAX_UNHEARD: Final = 16
CONNECT_S: Final = 1.0
ANSWER_S: Final = 5.0
RECONNECT_S: Final = 5.0
"""While the server is away it is tried no more often than this."""


class SilentDoorbell:
    """Rings within this process only; whoever waits in another looks again when its time is up.

    Attributes:
        errors: Stays 0.
    """

    def __init__(self) -> None:
        self._rung = threading.Event()
        self.errors = 0

    def ring(self) -> None:
        self._rung.set()

    def wait(self, timeout_s: float) -> None:
        self._rung.wait(timeout_s)
        self._rung.clear()

    def ping(self) -> None:
        """There is nothing that could fail."""


class RedisDoorbell:
    """Rings through a list in Redis. While the server is away, ``ring`` does nothing and ``wait`` sleeps.

    Attributes:
        errors: How often the server could not be used.
    """

    def __init__(self, url: str) -> None:
        self._client = redis.Redis.from_url(
            url,
            socket_connect_timeout=CONNECT_S,
            socket_timeout=ANSWER_S,
            retry=Retry(NoBackoff(), 0),
        )
        self._away_until = 0.0
        self._away = False
        self.errors = 0

    def ring(self) -> None:
        if time.monotonic() < self._away_until:
            return
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                pipeline.lpush(KEY, 1)
                pipeline.ltrim(KEY, 0, MAX_UNHEARD - 1)
                pipeline.execute()
        except redis.RedisError as error:
            self._note(error)
        else:
            self._note(None)

    def wait(self, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        if time.monotonic() >= self._away_until:
            try:
                self._client.brpop([KEY], timeout=min(max(timeout_s, 0.01), ANSWER_S - 1.0))  # 0 is for ever
            except redis.RedisError as error:
                self._note(error)
            else:
                self._note(None)
                return
        time.sleep(max(0.0, deadline - time.monotonic()))

    def ping(self) -> None:
        try:
            self._client.ping()
        except redis.RedisError as error:
            raise Transient(
                f"Redis did not answer ({error}). Nothing is lost and workers poll; check SOUNDKIN_REDIS_URL."
            ) from error

    def _note(self, error: redis.RedisError | None) -> None:
        """Remember whether the server is there, and say so once per outage."""
        if error is not None:
            self.errors += 1
            self._away_until = time.monotonic() + RECONNECT_S
            if not self._away:
                log.warning("doorbell.away", error=str(error), advice="workers poll until Redis is back")
        elif self._away:
            log.info("doorbell.back", errors=self.errors)
        self._away = error is not None
