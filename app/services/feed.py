"""Waking those who follow the change log: one thread looks at the database, however many are waiting."""

import threading
import time
from collections.abc import Callable

import structlog

from app.database import Database
from app.errors import SoundkinError

log = structlog.get_logger(__name__)

PAUSE_AFTER_ERROR_S = 1.0


class ChangeFeed:
    """Polls the number of the last change while anybody listens and calls every listener when it has grown."""

    def __init__(self, database: Database, *, interval_s: float = 0.2) -> None:
        self._database = database
        self._interval_s = interval_s
        self._listeners: set[Callable[[], None]] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def stopping(self) -> bool:
        """Whether the service is going down: who waits should leave."""
        return self._stopping

    def start(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._watch, name="change-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and wake every listener, so that it sees ``stopping``. May be called twice."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            listeners = list(self._listeners)
        for wake in listeners:
            wake()

    def close(self) -> None:
        """Stop, and wait for the thread to end."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def listen(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` (from the watching thread; it must not block) whenever there may be new changes."""
        with self._changed:
            self._listeners.add(wake)
            self._changed.notify_all()

    def leave(self, wake: Callable[[], None]) -> None:
        """Take a listener away."""
        with self._changed:
            self._listeners.discard(wake)

    def _watch(self) -> None:
        last = -1
        while self._await_listeners():
            pause_s = self._interval_s
            try:
                seq = self._last_seq()
            except SoundkinError as error:
                log.warning("change feed waits for the database", error=str(error))
                pause_s = PAUSE_AFTER_ERROR_S
            except Exception:
                log.exception("change feed cannot follow")
                pause_s = PAUSE_AFTER_ERROR_S
            else:
                if seq != last:
                    last = seq
                    self._wake()
            time.sleep(pause_s)

    def _await_listeners(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._listeners)
            return not self._stopping

    def _last_seq(self) -> int:
        with self._database.transaction(read_only=True) as tx:
            return tx.changes.last_seq()

    def _wake(self) -> None:
        with self._changed:
            listeners = list(self._listeners)
        for wake in listeners:
            wake()
