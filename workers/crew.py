"""The child's side of the pipe: takes jobs, works on several at once on threads, tells how each ended."""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import NoReturn

import structlog

from app.domain import Job
from app.errors import LeaseLost
from workers.failures import failure_of
from workers.log_fields import log_fields
from workers.messages import Drop, Ended, FromChild, Take
from workers.watch import JobDropped, Watch

log = structlog.get_logger(__name__)

Work = Callable[[Job, Watch], None]
"""Does a job and finishes it, or raises. Called from several threads at once."""


class Crew:
    """As many threads as there may be jobs at once; the supervisor sends no more than that."""

    def __init__(
        self, connection: Connection, work: Work, threads: int, prepare_thread: Callable[[], None] = lambda: None
    ) -> None:
        self._connection = connection
        self._work = work
        self._sending = threading.Lock()
        self._watches: dict[str, Watch] = {}
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="job", initializer=prepare_thread)

    def tell(self, message: FromChild) -> None:
        """Send something to the supervisor."""
        with self._sending:
            self._connection.send(message)

    def serve(self) -> NoReturn:
        """Do what comes through the pipe until its end, which is the end of this process."""
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                os._exit(0)  # the supervisor is gone and has lost its lease: whatever still runs is for nothing
            if isinstance(message, Take):
                self._take(message)
            elif isinstance(message, Drop) and (watch := self._watches.get(message.token)):
                watch.drop()

    def _take(self, take: Take) -> None:
        watch = Watch(take.token, self.tell)
        self._watches[take.token] = watch
        self._threads.submit(self._do, take.job, watch)

    def _do(self, job: Job, watch: Watch) -> None:
        with structlog.contextvars.bound_contextvars(**log_fields(job)):
            ended = self._outcome(job, watch)
        self._watches.pop(watch.token, None)
        try:
            self.tell(ended)
        except OSError:
            log.debug("supervisor.gone", job_id=job.id)

    def _outcome(self, job: Job, watch: Watch) -> Ended:
        try:
            self._work(job, watch)
        except JobDropped:
            outcome, failure = "dropped", None
        except LeaseLost:
            outcome, failure = "fenced", None
        except Exception as error:  # noqa: BLE001  # whatever it is, it belongs to this job and must be told
            outcome, failure = "failed", failure_of(error)
        else:
            outcome, failure = "done", None
        watch.end()
        timings = {f"{stage}_s": round(seconds, 3) for stage, seconds in watch.seconds.items()}
        log.info("job.ended", outcome=outcome, reason=failure and failure.message, **timings)
        return Ended(watch.token, outcome, failure, watch.tallies())
