"""The lease queue in memory: the reference for every other, and the queue of fast tests."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from app import transitions
from app.adapters.listing import check_id_cursor
from app.adapters.storable import storable_text
from app.database import ChangeLog
from app.domain import ChangeKind, Job, JobKind, JobState, QueueDepth, Tally, WorkerInfo, new_id
from app.errors import Conflict, LeaseLost, NotFound


class QueueState(Protocol):
    """What outlives a transaction."""

    jobs: dict[str, Job]
    workers: dict[str, WorkerInfo]
    tallies: dict[str, Tally]


class MemoryJobQueue:
    """Jobs in a dictionary. Whoever gives out transactions sees to it that only one runs at a time."""

    def __init__(
        self,
        state: QueueState,
        changes: ChangeLog,
        clock: Callable[[], datetime],
        uniform: transitions.Uniform = random.random,
    ) -> None:
        self._state = state
        self._changes = changes
        self._clock = clock
        self._uniform = uniform

    def enqueue(self, job: Job) -> Job:
        if job.id in self._state.jobs:
            raise Conflict(f"Job {job.id} is in the queue already.")
        return self._store(transitions.enqueued(job, self._clock()))

    def job(self, library_id: str, job_id: str) -> Job:
        job = self._state.jobs.get(job_id)
        if job is None or job.library_id != library_id:
            raise NotFound(f"There is no job {job_id!r} in this library.")
        return job

    def jobs(
        self,
        library_id: str,
        *,
        state: JobState | None = None,
        subject: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[Sequence[Job], str | None]:
        check_id_cursor(cursor)
        found = sorted(
            (
                job
                for job in self._state.jobs.values()
                if job.library_id == library_id
                and (state is None or job.state is state)
                and (subject is None or job.subject == subject)
                and (cursor is None or job.id < cursor)
            ),
            key=lambda job: job.id,
            reverse=True,
        )
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def register(self, worker: WorkerInfo, lease: timedelta) -> None:
        self._state.workers[worker.id] = replace(worker, alive=True, lease_until=self._clock() + lease)

    def leave(self, worker_id: str) -> None:
        worker = self._state.workers.get(worker_id)
        if worker is not None:
            self._state.workers[worker_id] = replace(worker, alive=False)
        for job in self._running(worker_id):
            self._store(transitions.requeued(job))

    def retire_siblings(self, worker_id: str, host: str) -> Sequence[Job]:
        siblings = [w for w in self._state.workers.values() if w.alive and w.host == host and w.id != worker_id]
        for sibling in siblings:
            self._state.workers[sibling.id] = replace(sibling, alive=False)
        lost = [job for sibling in siblings for job in self._running(sibling.id)]
        return self._requeue_lost(lost)

    def claim(self, worker_id: str, *, limit: int, deadline: timedelta, max_priority: int = 9) -> Sequence[Job]:
        now = self._clock()
        worker = self._state.workers.get(worker_id)
        if worker is None or not worker.alive or worker.lease_until <= now:
            return []
        running = self._running(worker_id)
        if any(job.must_run_alone for job in running):
            return []
        waiting = [j for j in self._in_state(JobState.QUEUED) if j.run_at <= now and j.priority <= max_priority]
        if not transitions.may_draw(running):
            waiting = [job for job in waiting if job.kind is not JobKind.MAP]
        due = sorted(waiting, key=lambda job: (job.priority, job.run_at, job.id))[:limit]
        return [
            self._store(transitions.claimed(job, worker_id=worker_id, token=new_id(), now=now, deadline=deadline))
            for job in transitions.batch(due, running)
        ]

    def beat(self, worker_id: str, lease: timedelta, running: Iterable[str]) -> Sequence[str]:
        worker = self._state.workers.get(worker_id)
        if worker is None or not worker.alive:
            raise LeaseLost(f"Worker {worker_id} was declared dead; register under a new id.")
        self._state.workers[worker_id] = replace(worker, lease_until=self._clock() + lease)
        known = set(running)
        mine = self._running(worker_id)
        for job in mine:
            if job.id not in known:
                self._store(transitions.requeued(job))
        return sorted(known - {job.id for job in mine})

    def progress(self, job_id: str, token: str, stage: str, fraction: float) -> bool:
        try:
            job = self._held(job_id, token)
        except LeaseLost:
            return False
        self._store(replace(job, stage=stage, progress=fraction))
        return True

    def finish(self, job_id: str, token: str) -> Job:
        return self._store(transitions.finished(self._held(job_id, token), self._clock()))

    def fail(self, job_id: str, token: str, *, code: str, message: str, retry: bool) -> Job:
        return self._store(
            transitions.erred(
                self._held(job_id, token),
                code,
                storable_text(message),
                retry=retry,
                now=self._clock(),
                uniform=self._uniform,
            )
        )

    def give_back(self, job_id: str, token: str) -> None:
        self._store(transitions.requeued(self._held(job_id, token)))

    def crashed(self, job_id: str, token: str, message: str) -> Job:
        return self._store(transitions.crashed(self._held(job_id, token), storable_text(message), self._clock()))

    def reap(self) -> Sequence[Job]:
        now = self._clock()
        for worker in self._state.workers.values():
            if worker.alive and worker.lease_until <= now:
                self._state.workers[worker.id] = replace(worker, alive=False)
        alive = {worker.id for worker in self._state.workers.values() if worker.alive}
        orphans = [job for job in self._in_state(JobState.RUNNING) if job.worker_id not in alive]
        self._forget_workers(now)
        return self._requeue_lost(orphans)

    def cancel(self, library_id: str, job_id: str) -> Job:
        return self._store(transitions.cancelled(self.job(library_id, job_id), self._clock()))

    def retry(self, library_id: str, job_id: str) -> Job:
        return self._store(transitions.retried(self.job(library_id, job_id), self._clock()))

    def depth(self, library_id: str | None = None) -> Sequence[QueueDepth]:
        now = self._clock()
        groups: dict[tuple[JobState, int], list[Job]] = {}
        live = self._in_state(JobState.QUEUED) + self._in_state(JobState.RUNNING)
        for job in live:
            if library_id in {None, job.library_id}:
                groups.setdefault((job.state, job.priority), []).append(job)
        return [
            QueueDepth(state, priority, len(jobs), (now - min(job.created_at for job in jobs)).total_seconds())
            for (state, priority), jobs in sorted(groups.items())
        ]

    def count_waiting(self, *, max_priority: int, min_priority: int = 0) -> int:
        return sum(min_priority <= job.priority <= max_priority for job in self._in_state(JobState.QUEUED))

    def workers(self) -> Sequence[WorkerInfo]:
        return sorted(self._state.workers.values(), key=lambda worker: worker.id)

    def tally(self, tallies: Iterable[Tally]) -> None:
        for more in tallies:
            so_far = self._state.tallies.get(more.name, Tally(more.name, 0))
            self._state.tallies[more.name] = Tally(more.name, so_far.count + more.count, so_far.total + more.total)

    def tallies(self) -> Sequence[Tally]:
        return sorted(self._state.tallies.values(), key=lambda tally: tally.name)

    def _store(self, job: Job) -> Job:
        self._state.jobs[job.id] = job
        self._changes.append(job.library_id, ChangeKind.JOB_UPDATED, job.id)
        return job

    def _in_state(self, state: JobState) -> list[Job]:
        return [job for job in self._state.jobs.values() if job.state is state]

    def _running(self, worker_id: str) -> list[Job]:
        return [job for job in self._in_state(JobState.RUNNING) if job.worker_id == worker_id]

    def _held(self, job_id: str, token: str) -> Job:
        job = self._state.jobs.get(job_id)
        if job is None or job.state is not JobState.RUNNING or job.token != token:
            raise LeaseLost(f"Job {job_id} is no longer this worker's; its result must be dropped.")
        return job

    def _requeue_lost(self, jobs: Sequence[Job]) -> Sequence[Job]:
        return [self._store(transitions.lost(job, self._clock())) for job in sorted(jobs, key=lambda j: j.id)]

    def _forget_workers(self, now: datetime) -> None:
        old = now - transitions.WORKER_MEMORY
        for worker in list(self._state.workers.values()):
            if not worker.alive and worker.lease_until < old:
                del self._state.workers[worker.id]
