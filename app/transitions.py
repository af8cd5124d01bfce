"""What becomes of a job: the rules of the lease queue, as pure functions that every queue applies.

Each takes the job as it is and returns it as it shall be stored. Who may ask for it,
and when, is for the queue to say.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from app.domain import Job, JobKind, JobState
from app.errors import Conflict

MAX_ATTEMPTS: Final = 4
"""Errors after which a job is given up."""

MAX_CRASHES: Final = 3
"""Deaths of the process at work on it after which a job is buried as poison."""

MAX_LOSSES: Final = 5
"""Deaths of the machine at work on it after which a job is given up."""

MAX_BACKOFF_S: Final = 300.0
WORKER_MEMORY: Final = timedelta(days=1)
"""How long a dead worker stays listed."""

MAX_MESSAGE_CHARACTERS: Final = 2000

Uniform = Callable[[], float]
"""A source of random numbers in [0, 1)."""


def enqueued(job: Job, now: datetime) -> Job:
    """As stored: the delay that the caller asked for (``run_at`` after ``created_at``) by the queue's own clock."""
    return replace(job, created_at=now, run_at=now + max(timedelta(0), job.run_at - job.created_at))


def batch(due: Sequence[Job], running: Sequence[Job]) -> Sequence[Job]:
    """Those of the next due jobs that a worker may take: beside one map no other, which would take its time.

    Args:
        due: In the order of the queue, without maps where one is ``running``.
        running: What the worker is at work on already.
    """
    if due and due[0].must_run_alone:
        return [] if running else due[:1]
    taken = list(takewhile(lambda job: not job.must_run_alone, due))
    maps = [job for job in taken if job.kind is JobKind.MAP]
    return [job for job in taken if job not in maps[1:]]


def may_draw(running: Sequence[Job]) -> bool:
    """Whether a worker that is at work on these may take a map: one at a time."""
    return not any(job.kind is JobKind.MAP for job in running)


def claimed(job: Job, *, worker_id: str, token: str, now: datetime, deadline: timedelta) -> Job:
    """The job in the hands of a worker."""
    return replace(
        job,
        state=JobState.RUNNING,
        worker_id=worker_id,
        token=token,
        deadline=now + deadline,
        started_at=now,
        stage=None,
        progress=0.0,
    )


def requeued(job: Job) -> Job:
    """Waiting again. It keeps ``run_at``, else an interrupted job would go behind the backlog."""
    return replace(
        job,
        state=JobState.QUEUED,
        worker_id=None,
        token=None,
        deadline=None,
        started_at=None,
        stage=None,
        progress=0.0,
    )


def finished(job: Job, now: datetime) -> Job:
    """Done: its result is stored in the same transaction."""
    return replace(
        job,
        state=JobState.DONE,
        token=None,
        deadline=None,
        stage=None,
        progress=1.0,
        error_code=None,
        error_message=None,
        finished_at=now,
    )


def cancelled(job: Job, now: datetime) -> Job:
    """Nobody wants it any more. Raises ``Conflict`` if it has ended."""
    if job.state.is_final:
        raise Conflict(f"Job {job.id} has ended ({job.state}); only a queued or running job can be cancelled.")
    return replace(job, state=JobState.CANCELLED, token=None, deadline=None, stage=None, finished_at=now)


def given_up(job: Job, code: str, message: str, now: datetime) -> Job:
    """Failed for good, with its reason."""
    return replace(
        _noted(job, code, message), state=JobState.FAILED, token=None, deadline=None, stage=None, finished_at=now
    )


def erred(job: Job, code: str, message: str, *, retry: bool, now: datetime, uniform: Uniform) -> Job:
    """One more error: tried again later where that may help, until the attempts are used up."""
    job = replace(job, attempts=job.attempts + 1)
    if not retry or job.attempts >= MAX_ATTEMPTS:
        return given_up(job, code, message, now)
    return replace(requeued(_noted(job, code, message)), run_at=now + backoff(job.attempts, uniform))


def crashed(job: Job, message: str, now: datetime) -> Job:
    """One more death of the process at work on it: a suspect from now on, buried at the third."""
    job = replace(job, crashes=job.crashes + 1)
    if job.crashes >= MAX_CRASHES:
        return given_up(job, "poison", f"{message} That was crash {job.crashes} of this job: buried.", now)
    return requeued(_noted(job, "crashed", message))


def lost(job: Job, now: datetime) -> Job:
    """One more death of the machine at work on it, which makes nobody a suspect unless it goes on."""
    job = replace(job, losses=job.losses + 1)
    if job.losses >= MAX_LOSSES:
        return given_up(
            job, "lost", f"{job.losses} workers went away while at work on it: given up. Look at their logs.", now
        )
    return requeued(_noted(job, "lost", "The worker at work on it went away."))


def retried(job: Job, now: datetime) -> Job:
    """Given another chance by somebody who asked for it, as good as new. Raises ``Conflict`` unless given up."""
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        raise Conflict(f"Job {job.id} is {job.state}; only a failed or cancelled job can be tried again.")
    return replace(
        requeued(job),
        attempts=0,
        crashes=0,
        losses=0,
        run_at=now,
        error_code=None,
        error_message=None,
        finished_at=None,
    )


def backoff(attempts: int, uniform: Uniform) -> timedelta:
    """How long to wait after so many errors: 0.5·2ⁿ s, at most 300 s, less up to half of it at random."""
    longest_s = min(MAX_BACKOFF_S, 0.5 * 2.0 ** min(attempts, 32))
    return timedelta(seconds=longest_s * (1.0 - 0.5 * uniform()))


def _noted(job: Job, code: str, message: str) -> Job:
    return replace(job, error_code=code, error_message=message[:MAX_MESSAGE_CHARACTERS])
