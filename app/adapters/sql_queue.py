"""The lease queue in SQL: one code path for SQLite and PostgreSQL (docs/decisions/0002).

Rows are locked before they are judged: ``FOR UPDATE`` on PostgreSQL; on SQLite every transaction is the only one
that writes (``BEGIN IMMEDIATE``). The order of locks is the same everywhere: worker, job, the rest.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from app import transitions
from app.adapters import tables
from app.adapters.listing import check_id_cursor
from app.adapters.sql_engine import insert_into
from app.adapters.storable import is_id, storable_text
from app.database import ChangeLog
from app.domain import ChangeKind, Job, JobKind, JobState, QueueDepth, Tally, WorkerInfo, new_id
from app.errors import LeaseLost, NotFound

_job = tables.job
_worker = tables.worker
_tally = tables.tally

_COLUMNS: Final = tuple(field.name for field in fields(Job))
_FIXED: Final = frozenset({"id", "library_id", "kind", "subject", "created_at", "request_id"})
_NOW: Final = {
    "sqlite": text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"),
    "postgresql": text("SELECT clock_timestamp()"),
}
# Literals, not parameters: otherwise neither database can tell that a partial index serves.
_QUEUED = _job.c.state == literal_column("'queued'")
_RUNNING = _job.c.state == literal_column("'running'")


class SqlJobQueue:
    """Jobs as rows, within the transaction of ``connection``."""

    def __init__(
        self, connection: Connection, changes: ChangeLog, uniform: transitions.Uniform = random.random
    ) -> None:
        self._connection = connection
        self._changes = changes
        self._uniform = uniform

    def enqueue(self, job: Job) -> Job:
        job = transitions.enqueued(job, self._now())
        self._connection.execute(insert(_job), _to_row(job))
        self._note(job)
        return job

    def job(self, library_id: str, job_id: str) -> Job:
        return self._of_library(library_id, job_id, select(_job))

    def jobs(
        self,
        library_id: str,
        *,
        state: JobState | None = None,
        subject: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[Sequence[Job], str | None]:
        wanted = select(_job).where(_job.c.library_id == library_id)
        check_id_cursor(cursor)
        if cursor is not None:
            wanted = wanted.where(_job.c.id < cursor)
        if subject is not None:
            if not is_id(subject):
                return [], None
            wanted = wanted.where(_job.c.subject == subject)
        if state is not None:
            wanted = wanted.where(_job.c.state == state.value)
        found = self._fetch(wanted.order_by(_job.c.id.desc()).limit(limit + 1))
        return found[:limit], found[limit - 1].id if len(found) > limit else None

    def register(self, worker: WorkerInfo, lease: timedelta) -> None:
        self._connection.execute(
            insert(_worker),
            {
                "id": worker.id,
                "host": worker.host,
                "device": worker.device,
                "lease_until": self._now() + lease,
                "alive": True,
            },
        )

    def leave(self, worker_id: str) -> None:
        self._connection.execute(update(_worker).where(_worker.c.id == worker_id).values(alive=False))
        self._save(transitions.requeued(job) for job in self._lock(_RUNNING, _job.c.worker_id == worker_id))

    def retire_siblings(self, worker_id: str, host: str) -> Sequence[Job]:
        siblings = and_(_worker.c.alive, _worker.c.host == host, _worker.c.id != worker_id)
        ids = self._connection.scalars(select(_worker.c.id).where(siblings).with_for_update()).all()
        self._connection.execute(update(_worker).where(_worker.c.id.in_(ids)).values(alive=False))
        return self._requeue_lost(self._lock(_RUNNING, _job.c.worker_id.in_(ids)))

    def claim(self, worker_id: str, *, limit: int, deadline: timedelta, max_priority: int = 9) -> Sequence[Job]:
        if not self._lock_living_worker(worker_id):
            return []
        running = self._fetch(select(_job).where(_RUNNING, _job.c.worker_id == worker_id))
        if any(job.must_run_alone for job in running):
            return []
        now = self._now()
        # Select, then update, as two statements: in one, PostgreSQL's planner may ignore the limit.
        due = self._fetch(
            select(_job)
            .where(_QUEUED, _job.c.run_at <= now, _job.c.priority <= max_priority, *_takes(running))
            .order_by(_job.c.priority, _job.c.run_at, _job.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return self._save(
            transitions.claimed(job, worker_id=worker_id, token=new_id(), now=now, deadline=deadline)
            for job in transitions.batch(due, running)
        )

    def beat(self, worker_id: str, lease: timedelta, running: Iterable[str]) -> Sequence[str]:
        renewed = self._connection.execute(
            update(_worker)
            .where(_worker.c.id == worker_id, _worker.c.alive)
            .values(lease_until=self._now() + lease)
        )
        if not renewed.rowcount:
            raise LeaseLost(f"Worker {worker_id} was declared dead; register under a new id.")
        known = set(running)
        mine = set(self._connection.scalars(select(_job.c.id).where(_RUNNING, _job.c.worker_id == worker_id)))
        strangers = self._lock(_RUNNING, _job.c.worker_id == worker_id, _job.c.id.in_(mine - known))
        self._save(transitions.requeued(job) for job in strangers)
        return sorted(known - mine)

    def progress(self, job_id: str, token: str, stage: str, fraction: float) -> bool:
        job = self._held_or_none(job_id, token)
        if job is None:
            return False
        self._connection.execute(update(_job).where(_job.c.id == job_id).values(stage=stage, progress=fraction))
        self._note(job)
        return True

    def finish(self, job_id: str, token: str) -> Job:
        return self._save_one(transitions.finished(self._held(job_id, token), self._now()))

    def fail(self, job_id: str, token: str, *, code: str, message: str, retry: bool) -> Job:
        job = self._held(job_id, token)
        return self._save_one(
            transitions.erred(
                job, code, storable_text(message), retry=retry, now=self._now(), uniform=self._uniform
            )
        )

    def give_back(self, job_id: str, token: str) -> None:
        self._save_one(transitions.requeued(self._held(job_id, token)))

    def crashed(self, job_id: str, token: str, message: str) -> Job:
        return self._save_one(transitions.crashed(self._held(job_id, token), storable_text(message), self._now()))

    def reap(self) -> Sequence[Job]:
        now = self._now()
        # Whoever is just claiming or renewing holds the lock of his row, and is alive.
        expired = self._connection.scalars(
            select(_worker.c.id)
            .where(_worker.c.alive, _worker.c.lease_until <= now)
            .with_for_update(skip_locked=True)
        ).all()
        self._connection.execute(update(_worker).where(_worker.c.id.in_(expired)).values(alive=False))
        living = exists().where(_worker.c.id == _job.c.worker_id, _worker.c.alive)
        orphans = self._fetch(select(_job).where(_RUNNING, ~living).with_for_update(skip_locked=True, of=_job))
        forgotten = and_(~_worker.c.alive, _worker.c.lease_until < now - transitions.WORKER_MEMORY)
        self._connection.execute(delete(_worker).where(forgotten))
        return self._requeue_lost(orphans)

    def cancel(self, library_id: str, job_id: str) -> Job:
        job = self._of_library(library_id, job_id, select(_job).with_for_update())
        return self._save_one(transitions.cancelled(job, self._now()))

    def retry(self, library_id: str, job_id: str) -> Job:
        job = self._of_library(library_id, job_id, select(_job).with_for_update())
        return self._save_one(transitions.retried(job, self._now()))

    def depth(self, library_id: str | None = None) -> Sequence[QueueDepth]:
        now = self._now()
        of_library = [] if library_id is None else [_job.c.library_id == library_id]
        return [
            QueueDepth(state, priority, count, (now - oldest).total_seconds())
            for state, where in ((JobState.QUEUED, _QUEUED), (JobState.RUNNING, _RUNNING))
            for priority, count, oldest in self._connection.execute(
                select(_job.c.priority, func.count(), func.min(_job.c.created_at))
                .where(where, *of_library)
                .group_by(_job.c.priority)
                .order_by(_job.c.priority)
            )
        ]

    def count_waiting(self, *, max_priority: int, min_priority: int = 0) -> int:
        waiting = select(func.count()).where(_QUEUED, _job.c.priority.between(min_priority, max_priority))
        return self._connection.scalar(waiting) or 0

    def workers(self) -> Sequence[WorkerInfo]:
        rows = self._connection.execute(select(_worker).order_by(_worker.c.id))
        return [WorkerInfo(row.id, row.host, row.device, row.lease_until, row.alive) for row in rows]

    def tally(self, tallies: Iterable[Tally]) -> None:
        # By name: two workers that add at once lock the rows in the same order.
        rows = [
            {"name": one.name, "count": one.count, "total": one.total}
            for one in sorted(tallies, key=lambda one: one.name)
        ]
        adding = insert_into(self._connection, _tally)
        adding = adding.on_conflict_do_update(
            index_elements=[_tally.c.name],
            set_={
                "count": _tally.c.count + adding.excluded.count,
                "total": _tally.c.total + adding.excluded.total,
            },
        )
        if rows:
            self._connection.execute(adding, rows)

    def tallies(self) -> Sequence[Tally]:
        rows = self._connection.execute(select(_tally.c.name, _tally.c.count, _tally.c.total).order_by("name"))
        return [Tally(name, count, total) for name, count, total in rows]

    def _now(self) -> datetime:
        """The time by the clock of the database; SQLite's is that of this host, and comes as text in UTC."""
        now = self._connection.execute(_NOW[self._connection.dialect.name]).scalar_one()
        return now.astimezone(UTC) if isinstance(now, datetime) else datetime.fromisoformat(f"{now}+00:00")

    def _fetch(self, wanted: Select[Any]) -> list[Job]:
        return [_to_job(row) for row in self._connection.execute(wanted).mappings()]

    def _lock(self, *where: ColumnElement[bool]) -> list[Job]:
        return self._fetch(select(_job).where(*where).order_by(_job.c.id).with_for_update())

    def _lock_living_worker(self, worker_id: str) -> bool:
        until = self._connection.scalar(
            select(_worker.c.lease_until).where(_worker.c.id == worker_id, _worker.c.alive).with_for_update()
        )
        return until is not None and until > self._now()

    def _of_library(self, library_id: str, job_id: str, wanted: Select[Any]) -> Job:
        found = (
            self._fetch(wanted.where(_job.c.id == job_id, _job.c.library_id == library_id)) if is_id(job_id) else []
        )
        if not found:
            raise NotFound(f"There is no job {job_id!r} in this library.")
        return found[0]

    def _held_or_none(self, job_id: str, token: str) -> Job | None:
        found = self._lock(_RUNNING, _job.c.id == job_id, _job.c.token == token)
        return found[0] if found else None

    def _held(self, job_id: str, token: str) -> Job:
        job = self._held_or_none(job_id, token)
        if job is None:
            raise LeaseLost(f"Job {job_id} is no longer this worker's; its result must be dropped.")
        return job

    def _requeue_lost(self, jobs: Sequence[Job]) -> Sequence[Job]:
        now = self._now()
        return self._save(transitions.lost(job, now) for job in jobs)

    def _save_one(self, job: Job) -> Job:
        return self._save([job])[0]

    def _save(self, jobs: Iterable[Job]) -> Sequence[Job]:
        jobs = list(jobs)
        if jobs:
            moved: dict[str, ColumnElement[Any]] = {
                name: bindparam(f"new_{name}") for name in _COLUMNS if name not in _FIXED
            }
            self._connection.execute(
                update(_job).where(_job.c.id == bindparam("of_id")).values(moved),
                [
                    {"of_id": job.id, **{f"new_{name}": value for name, value in _to_row(job).items()}}
                    for job in jobs
                ],
            )
        for job in jobs:
            self._note(job)
        return jobs

    def _note(self, job: Job) -> None:
        self._changes.append(job.library_id, ChangeKind.JOB_UPDATED, job.id)


def _takes(running: Sequence[Job]) -> Sequence[ColumnElement[bool]]:
    """Which kinds a worker takes that is at work on these: all, or all but maps."""
    return () if transitions.may_draw(running) else (_job.c.kind != JobKind.MAP.value,)


def _to_row(job: Job) -> dict[str, object]:
    return {name: getattr(job, name) for name in _COLUMNS} | {"kind": job.kind.value, "state": job.state.value}


def _to_job(row: Mapping[Any, Any]) -> Job:
    values = {name: row[name] for name in _COLUMNS}
    return Job(**values | {"kind": JobKind(row["kind"]), "state": JobState(row["state"])})
