"""What is done again and again, in a thread of its own."""

import threading
import time
from collections.abc import Callable

import structlog

from app.errors import SoundkinError

log = structlog.get_logger(__name__)


class Rounds:
    """Does something every now and then until it is closed. A round may fail: the next one tries again.

    Args:
        name: Of the thread, and in logs.
        work: What is done in a round.
        interval_s: Between the end of a round and the next one, at least.
        rest: So many times as long as the last round took, the next one waits at least.
    """

    def __init__(self, name: str, work: Callable[[], object], interval_s: float, *, rest: float = 0.0) -> None:
        self._name = name
        self._work = work
        self._interval_s = interval_s
        self._rest = rest
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_over(self) -> bool:
        """Whether there shall be no other round, so that a long one better ends."""
        return self._stop.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Finish the round at hand and stop."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        pause_s = self._interval_s
        while not self._stop.wait(pause_s):
            started = time.monotonic()
            self._try()
            pause_s = max(self._interval_s, self._rest * (time.monotonic() - started))

    def _try(self) -> None:
        try:
            self._work()
        except SoundkinError as error:
            log.warning("put off", rounds=self._name, error=str(error))
        except Exception:
            log.exception("failed", rounds=self._name)
