"""The lease of this worker process: one row that says it is alive, renewed by heartbeats."""

import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

import psutil
import structlog

from app.database import Transaction
from app.domain import Job, WorkerInfo, new_id, utc_now
from app.errors import LeaseLost

log = structlog.get_logger(__name__)


class Lease:
    """Who this worker is to the others, and for how long they have reason to believe it alive.

    Attributes:
        worker_id: ``None`` until registered, and again after it was declared dead.
    """

    def __init__(
        self, length_s: float, host: str | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._length = timedelta(seconds=length_s)
        self._host = host or f"{socket.gethostname()}:{os.getpid()}"
        self._clock = clock
        self._first_time = True
        self._renewed_since: float | None = None
        self._renewed_at = 0.0
        self.worker_id: str | None = None

    def register(self, tx: Transaction, device: str) -> tuple[str, Sequence[Job]]:
        """Add this worker's row; ``accept`` the id once that is committed.

        A worker that starts declares those of its host dead whose process is gone: their jobs need not wait for the
        end of the lease. Later it must not, else two that take each other for gone would never come to rest.

        Returns:
            The id, and the jobs of the dead.
        """
        worker_id = new_id()
        gone = (
            [one.host for one in tx.queue.workers() if one.alive and is_gone(one.host)] if self._first_time else []
        )
        tx.queue.register(WorkerInfo(worker_id, self._host, device, utc_now(), alive=True), self._length)
        lost = [job for host in gone for job in tx.queue.retire_siblings(worker_id, host)]
        return worker_id, lost

    def accept(self, worker_id: str) -> None:
        """Be this worker from now on."""
        self.worker_id = worker_id
        self._first_time = False
        self._renewed_since = self._renewed_at = self._clock()

    def beat(self, tx: Transaction, running: Iterable[str]) -> Sequence[str]:
        """Renew; ``confirm`` once that is committed. Returns what is no longer ours.

        Raises:
            LeaseLost: Others have declared this worker dead.
        """
        if self.worker_id is None:
            raise LeaseLost("This worker is not registered, so there is nothing to renew.")
        return tx.queue.beat(self.worker_id, self._length, running)

    def confirm(self) -> None:
        """The renewal is committed."""
        now = self._clock()
        if self._renewed_since is None or now - self._renewed_at > self._length.total_seconds():
            self._renewed_since = now
        self._renewed_at = now

    def doubt(self) -> None:
        """Something went wrong with the database: what looks dead may only have been cut off, as we were."""
        self._renewed_since = None

    def forfeit(self) -> None:
        """Others have declared this worker dead."""
        self.worker_id = None
        self._renewed_since = None

    @property
    def may_reap(self) -> bool:
        """Whether it has renewed without error for one whole lease, as everybody alive must have by now."""
        return (
            self._renewed_since is not None
            and self._renewed_at - self._renewed_since >= self._length.total_seconds()
        )


def is_gone(host: str) -> bool:
    """Whether a worker's host is this one and its process has ended (or its number is ours now)."""
    name, _, number = host.rpartition(":")
    if name != socket.gethostname() or not number.isdigit():
        return False
    return int(number) == os.getpid() or not psutil.pid_exists(int(number))
