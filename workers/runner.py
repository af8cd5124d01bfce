"""The supervisor: claims jobs, hands them to its child, beats for it, buries it, drains. Knows no audio.

One thread does all of it in turns, so that there is nothing to lock; the work itself is in another process and
cannot starve the heartbeat, whatever it does to its interpreter.
"""

import os
import signal
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing.connection import wait
from typing import Any, Final

import structlog

from app.database import Database
from app.domain import Job, Priority
from app.errors import LeaseLost, Transient
from app.ports import Doorbell
from app.services.jobs import settle
from workers.bell import Bell, Waker
from workers.child import Child
from workers.hand import Hand, Held, fail, outcome_of
from workers.lease import Lease
from workers.log_fields import log_fields
from workers.messages import Drop, Ended, FromChild, Reached, Ready, Take, Unfit
from workers.outage import pause_s
from workers.pace import Every, Pace
from workers.totals import Totals

log = structlog.get_logger(__name__)

PROGRESS_S: Final = 1.0
REAP_S: Final = 1.0
LONGEST_TURN_S: Final = 0.5

EXIT_UNFIT: Final = 2
"""Exit status when the operator must mend something before it makes sense to start again."""


class Runner:
    """One worker."""

    def __init__(
        self,
        database: Database,
        doorbell: Doorbell,
        pace: Pace,
        start_child: Callable[[], Child],
        *,
        lifeline: int | None = None,
    ) -> None:
        """Put it together; ``run`` starts it.

        Args:
            database: Where the queue is.
            doorbell: What wakes it.
            pace: Its times.
            start_child: Starts the process that does the work.
            lifeline: A file descriptor whose end of file is the end of whoever started this worker, and so of it.
        """
        self._database = database
        self._doorbell = doorbell
        self._pace = pace
        self._start_child = start_child
        self._lifeline = lifeline
        self._waker = Waker()
        self._bell = Bell(doorbell, pace.poll_s, self._waker)
        self._lease = Lease(pace.lease_s)
        self._hand = Hand(pace.slots, pace.express)
        self._child: Child | None = None
        self._ready: Ready | None = None
        self._unfit = False
        self._early_deaths = 0
        self._start_at = 0.0
        self._failures = 0
        self._retry_at = 0.0
        self._look = True
        self._stop_by: float | None = None
        self._stopped_by: int | None = None
        self._hurried = False
        self._totals = Totals()
        self._bell_errors = 0
        self._beat = Every(pace.beat_s)
        self._reap = Every(min(REAP_S, pace.beat_s))
        self._tell = Every(PROGRESS_S)

    def stop(self, signum: int = signal.SIGTERM, _frame: object = None) -> None:
        """Claim nothing more, and end when the jobs in hand are done or the grace period is.

        A second SIGINT ends it now. SIGTERM after it does not: at Ctrl-C the terminal sends the one to everybody,
        and the web process the other to its worker.
        """
        self._hurried |= signum == signal.SIGINT and self._stopped_by == signal.SIGINT
        self._stopped_by = self._stopped_by or signum
        self._waker.wake()

    def run(self) -> int:
        """Work until told to stop; return the exit status."""
        try:
            while not self._is_over():
                self._turn()
        finally:
            self._leave()
        return EXIT_UNFIT if self._unfit else 0

    def _turn(self) -> None:
        self._keep_child()
        self._listen()
        self._heed_child()
        self._end_overdue()
        self._tend()

    def _is_over(self) -> bool:
        if self._stopped_by and self._stop_by is None:
            log.info("worker.draining", jobs=len(self._hand), grace_s=self._pace.drain_s)
            self._stop_by = time.monotonic() + self._pace.drain_s
        drained = self._stop_by is not None and (not len(self._hand) or time.monotonic() >= self._stop_by)
        return self._unfit or drained or self._hurried

    def _keep_child(self) -> None:
        if self._child is None and self._stop_by is None and time.monotonic() >= self._start_at:
            self._child = self._start_child()

    def _listen(self) -> None:
        """Wait until something happens."""
        self._bell.listen(wanted=self._ready is not None and self._hand.free_express > 0)
        objects: list[Any] = [self._waker]
        if self._child is not None:
            objects += [self._child.connection, self._child.sentinel]
        if self._lifeline is not None:
            objects.append(self._lifeline)
        happened = wait(objects, min(LONGEST_TURN_S, self._pace.beat_s / 2))
        if self._waker.clear():
            self._look = True
        if self._lifeline in happened and not os.read(self._lifeline or 0, 4096):
            log.info("worker.orphaned", advice="whoever started this worker is gone")
            self._hurried = True

    def _heed_child(self) -> None:
        child = self._child
        if child is None:
            return
        lives = child.alive  # asked first: what it said before its death is read below
        for message in child.messages():
            self._heed(message)
        if not lives:
            self._bury(f"The worker process {child.cause_of_death()}")

    def _heed(self, message: FromChild) -> None:
        if isinstance(message, Reached):
            self._hand.note(message)
        elif isinstance(message, Ended):
            self._end(message)
        elif isinstance(message, Ready):
            log.info("worker.ready", device=message.device, encoders=message.encoder_ids)
            self._ready, self._early_deaths, self._look = message, 0, True
        elif isinstance(message, Unfit):
            log.error("worker.unfit", reason=message.message)
            self._unfit = True

    def _end(self, ended: Ended) -> None:
        self._look = True
        self._totals.add(ended.tallies)
        held = self._hand.find(ended.token)
        if held is None:
            return
        if ended.failure is not None and held.ours:
            held.verdict = fail(ended.failure)
            return
        # Done is done, also where a beat in between has found the job gone from those that run.
        counts = held.ours or ended.outcome == "done"
        self._totals.count(f"outcome:{ended.outcome if counts else 'dropped'}")
        self._hand.release(ended.token)

    def _bury(self, cause: str, culprits: Sequence[str] = ()) -> None:
        """The child is dead: decide on its jobs, and when to start another."""
        log.warning("child.died", cause=cause, jobs=len(self._hand))
        self._totals.count("child_deaths")
        self._hand.bury(cause, culprits)
        if self._ready is None:
            self._early_deaths += 1
            self._start_at = time.monotonic() + pause_s(self._early_deaths)
        self._child = self._ready = None

    def _end_overdue(self) -> None:
        overdue = self._hand.overdue()
        if self._child is None or not overdue:
            return
        self._child.kill()
        for message in self._child.messages():
            self._heed(message)
        seconds = self._pace.deadline_s
        self._bury(
            f"The worker process was ended because the job took longer than {seconds:g} s",
            [held.token for held in overdue],
        )

    def _tend(self) -> None:
        """Do what is due with the database; while it is away, wait longer and longer between tries."""
        if time.monotonic() < self._retry_at:
            return
        try:
            self._settle()
            self._renew()
            if self._lease.worker_id is not None:
                self._look_around(self._lease.worker_id)
        except Transient as error:
            self._note_outage(error)
        else:
            if self._failures:
                log.info("database.back", failures=self._failures)
            self._failures = 0

    def _note_outage(self, error: Transient) -> None:
        self._failures += 1
        self._retry_at = time.monotonic() + pause_s(self._failures)
        self._lease.doubt()
        if self._failures == 1:
            log.warning("database.away", error=str(error))

    def _settle(self) -> None:
        """Tell the queue what has become of jobs that ended without a result."""
        for held in self._hand.decided():
            outcome = self._decide(held)
            log.info("job.settled", **log_fields(held.job), outcome=outcome)
            self._totals.count(f"outcome:{outcome}")
            self._hand.release(held.token)

    def _decide(self, held: Held) -> str:
        try:
            with self._database.transaction() as tx:
                job = held.verdict(tx.queue, held.job.id, held.token)  # type: ignore[misc]  # see Hand.decided
                if job is not None:
                    settle(tx, job)
        except LeaseLost:
            return "fenced"
        return outcome_of(job)

    def _renew(self) -> None:
        """Register, or beat; either way this worker is alive for another lease."""
        if self._lease.worker_id is None:
            if self._ready is not None:
                self._register(self._ready)
        elif self._beat.due():
            self._renew_lease()

    def _register(self, ready: Ready) -> None:
        with self._database.transaction() as tx:
            worker_id, lost = self._lease.register(tx, ready.device)
            for job in lost:
                settle(tx, job)
        self._lease.accept(worker_id)
        self._totals.count("outcome:lost", len(lost))
        log.info("worker.registered", worker_id=worker_id, taken_over=len(lost))

    def _renew_lease(self) -> None:
        self._count_bell_errors()
        try:
            with self._database.transaction() as tx:
                not_ours = self._lease.beat(tx, self._hand.ours())
                tx.queue.tally(self._totals.tallies())
        except LeaseLost:
            log.warning("lease.lost", worker_id=self._lease.worker_id, jobs=len(self._hand))
            self._lease.forfeit()
            self._disown(self._hand.ours())
            return
        self._lease.confirm()
        self._totals.clear()
        self._disown(not_ours)

    def _count_bell_errors(self) -> None:
        errors = self._doorbell.errors
        if errors > self._bell_errors:
            self._totals.count("doorbell_errors", errors - self._bell_errors)
        self._bell_errors = errors

    def _disown(self, job_ids: Sequence[str]) -> None:
        """These are no longer ours: let the child stop where it can."""
        for held in self._hand:
            if held.ours and held.job.id in job_ids:
                held.ours = False
                if self._child is None or held.verdict is not None:
                    self._hand.release(held.token)
                else:
                    self._child.send(Drop(held.token))

    def _look_around(self, worker_id: str) -> None:
        if self._lease.may_reap and self._reap.due():
            self._reap_lost()
        if self._tell.due():
            self._tell_progress()
        if self._look and self._ready is not None and self._stop_by is None:
            self._claim(worker_id)

    def _reap_lost(self) -> None:
        with self._database.transaction() as tx:
            lost = tx.queue.reap()
            for job in lost:
                settle(tx, job)
        if lost:
            log.warning("jobs.reaped", jobs=[job.id for job in lost])
            self._totals.count("outcome:lost", len(lost))

    def _tell_progress(self) -> None:
        untold = self._hand.untold()
        if not untold:
            return
        with self._database.transaction() as tx:
            gone = [
                held.job.id
                for held in untold
                if not tx.queue.progress(held.job.id, held.token, held.stage, held.fraction)
            ]
        for held in untold:
            held.told = True
        self._disown(gone)

    def _claim(self, worker_id: str) -> None:
        """Take on as many jobs as there is room for; interactive ones find room when others do not."""
        self._look = False
        free, highest = self._hand.free, max(Priority)
        if not free:
            free, highest = self._hand.free_express, Priority.INTERACTIVE
        if not free:
            return
        deadline = timedelta(seconds=self._pace.deadline_s)
        with self._database.transaction() as tx:
            jobs = tx.queue.claim(worker_id, limit=free, deadline=deadline, max_priority=highest)
        self._totals.count("claims", len(jobs))
        for job in jobs:
            self._start(job)

    def _start(self, job: Job) -> None:
        """Have the child do it, and drop an earlier run of it that this worker still takes for its own."""
        self._disown([job.id])
        held = self._hand.take(job, self._pace.deadline_s)
        if self._child is not None:
            self._child.send(Take(held.token, job))

    def _leave(self) -> None:
        """End the child and give back what is still in hand."""
        if self._child is not None:
            self._child.kill()
            for message in self._child.messages():
                self._heed(message)
        try:
            self._settle()
            if self._lease.worker_id is not None:
                with self._database.transaction() as tx:
                    tx.queue.tally(self._totals.tallies())
                    tx.queue.leave(self._lease.worker_id)
        except Transient as error:
            log.warning("worker.left_unsaid", error=str(error), advice="its jobs go on when its lease has run out")
        log.info("worker.stopped")
