"""Whatever workers do and suffer, in whatever order: no job is lost, none is done twice, poison is buried.

One state machine over all queues. It keeps the expected state of every job by itself, from the rules of jobs.md and
not from the code under test.
"""

import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from app import transitions
from app.adapters.memory_database import MemoryDatabase
from app.adapters.sql_database import SqlDatabase
from app.domain import Job, JobKind, JobState, Library, WorkerInfo, new_id, utc_now
from app.errors import Conflict, LeaseLost

LEASE = timedelta(minutes=10)
EXPIRED = timedelta(seconds=-1)
DEADLINE = timedelta(minutes=10)


@dataclass
class Expected:
    """What the rules say of one job."""

    priority: int
    order: int
    state: JobState = JobState.QUEUED
    holder: str | None = None
    token: str | None = None
    attempts: int = 0
    crashes: int = 0
    losses: int = 0
    waits: bool = False
    results: int = 0

    @property
    def alone(self):
        return self.crashes >= 1 or self.losses >= 2

    def let_go(self, state=JobState.QUEUED):
        self.state, self.holder, self.token = state, None, None


class Queue(RuleBasedStateMachine):
    """Several workers on one queue; ``self.database`` is set by the subclasses below."""

    workers = Bundle("workers")
    claims = Bundle("claims")
    stale = Bundle("stale")

    def __init__(self, database):
        super().__init__()
        self.database = database
        self.library = Library(new_id(), f"library {uuid.uuid4()}")
        with database.transaction() as tx:
            tx.catalogue.add_library(self.library)
        self.jobs = {}
        self.alive = {}
        self.expired = set()
        self.order = 0

    def running(self, worker):
        return {job for job, one in self.jobs.items() if one.state is JobState.RUNNING and one.holder == worker}

    def next_order(self):
        self.order += 1
        return self.order

    @rule(priority=st.sampled_from([0, 5, 9]))
    def enqueue(self, priority):
        job = Job(new_id(), self.library.id, JobKind.EMBED_TRACK, new_id(), priority)
        with self.database.transaction() as tx:
            tx.queue.enqueue(job)
        self.jobs[job.id] = Expected(priority, self.next_order())

    @rule(target=workers)
    def register(self):
        worker = WorkerInfo(new_id(), "host", "cpu", utc_now(), alive=True)
        with self.database.transaction() as tx:
            tx.queue.register(worker, LEASE)
        self.alive[worker.id] = True
        return worker.id

    @rule(target=claims, worker=workers, limit=st.integers(1, 4), highest=st.sampled_from([0, 9]))
    def claim(self, worker, limit, highest):
        with self.database.transaction() as tx:
            got = tx.queue.claim(worker, limit=limit, deadline=DEADLINE, max_priority=highest)
        assert [job.id for job in got] == self.expected_claim(worker, limit, highest)
        for job in got:
            expected = self.jobs[job.id]
            assert job.token != expected.token
            expected.state, expected.holder, expected.token = JobState.RUNNING, worker, job.token
        return multiple(*((job.id, job.token) for job in got))

    def expected_claim(self, worker, limit, highest):
        if not self.alive[worker] or worker in self.expired:
            return []
        mine = self.running(worker)
        if any(self.jobs[job].alone for job in mine):
            return []
        due = sorted(
            (one.priority, one.order, job)
            for job, one in self.jobs.items()
            if one.state is JobState.QUEUED and not one.waits and one.priority <= highest
        )[:limit]
        taken = []
        for _, _, job in due:
            if self.jobs[job].alone:
                return taken if taken or mine else [job]
            taken.append(job)
        return taken

    @contextmanager
    def only_if_held(self, claim):
        """Inside, the claim must still count; if it does not, the queue must say so."""
        job, token = claim
        expected = self.jobs[job]
        if expected.state is JobState.RUNNING and expected.token == token:
            yield expected
            return
        with pytest.raises(LeaseLost):
            yield Expected(0, 0)

    @rule(target=stale, claim=consumes(claims))
    def finish(self, claim):
        with self.only_if_held(claim) as expected, self.database.transaction() as tx:
            tx.queue.finish(*claim)
            expected.results += 1
            expected.let_go(JobState.DONE)
        return claim

    @rule(target=stale, claim=consumes(claims), retry=st.booleans())
    def fail(self, claim, retry):
        with self.only_if_held(claim) as expected, self.database.transaction() as tx:
            job = tx.queue.fail(*claim, code="code", message="message", retry=retry)
            expected.attempts += 1
            given_up = not retry or expected.attempts >= 4
            expected.let_go(JobState.FAILED if given_up else JobState.QUEUED)
            expected.waits = not given_up
            assert job.state is expected.state
        return claim

    @rule(target=stale, claim=consumes(claims))
    def crash(self, claim):
        with self.only_if_held(claim) as expected, self.database.transaction() as tx:
            tx.queue.crashed(*claim, "SIGSEGV")
            expected.crashes += 1
            expected.let_go(JobState.FAILED if expected.crashes >= 3 else JobState.QUEUED)
        return claim

    @rule(target=stale, claim=consumes(claims))
    def give_back(self, claim):
        with self.only_if_held(claim) as expected, self.database.transaction() as tx:
            tx.queue.give_back(*claim)
            expected.let_go()
        return claim

    @rule(claim=stale)
    def a_zombie_tries_to_finish(self, claim):
        job, token = claim
        if self.jobs[job].token != token:
            with pytest.raises(LeaseLost), self.database.transaction() as tx:
                tx.queue.finish(job, token)

    @rule(worker=workers, forgets=st.booleans())
    def beat(self, worker, forgets):
        mine = self.running(worker)
        known = set() if forgets else mine
        if not self.alive[worker]:
            with pytest.raises(LeaseLost), self.database.transaction() as tx:
                tx.queue.beat(worker, LEASE, known)
            return
        with self.database.transaction() as tx:
            assert list(tx.queue.beat(worker, LEASE, known)) == []
        self.expired.discard(worker)
        for job in mine - known:
            self.jobs[job].let_go()

    @rule(worker=workers)
    def the_lease_runs_out(self, worker):
        if self.alive[worker]:
            with self.database.transaction() as tx:
                tx.queue.beat(worker, EXPIRED, self.running(worker))
            self.expired.add(worker)

    @rule()
    def reap(self):
        with self.database.transaction() as tx:
            reaped = {job.id for job in tx.queue.reap()}
        for worker in self.expired:
            self.alive[worker] = False
        self.expired.clear()
        dead = {job for worker, alive in self.alive.items() if not alive for job in self.running(worker)}
        assert reaped == dead
        for job in dead:
            self.lose(job)

    def lose(self, job):
        expected = self.jobs[job]
        expected.losses += 1
        expected.let_go(JobState.FAILED if expected.losses >= 5 else JobState.QUEUED)

    @rule(worker=workers)
    def leave(self, worker):
        with self.database.transaction() as tx:
            tx.queue.leave(worker)
        self.alive[worker] = False
        self.expired.discard(worker)
        for job in self.running(worker):
            self.jobs[job].let_go()

    @rule(choice=st.integers(0, 1000))
    def cancel(self, choice):
        job, expected = self.pick(choice)
        if job is None:
            return
        if expected.state in {JobState.QUEUED, JobState.RUNNING}:
            with self.database.transaction() as tx:
                tx.queue.cancel(self.library.id, job)
            expected.let_go(JobState.CANCELLED)
        else:
            with pytest.raises(Conflict), self.database.transaction() as tx:
                tx.queue.cancel(self.library.id, job)

    @rule(choice=st.integers(0, 1000))
    def try_again(self, choice):
        job, expected = self.pick(choice)
        if job is None:
            return
        if expected.state in {JobState.FAILED, JobState.CANCELLED}:
            with self.database.transaction() as tx:
                tx.queue.retry(self.library.id, job)
            self.jobs[job] = Expected(expected.priority, self.next_order(), results=expected.results)
        else:
            with pytest.raises(Conflict), self.database.transaction() as tx:
                tx.queue.retry(self.library.id, job)

    def pick(self, choice):
        if not self.jobs:
            return None, None
        return list(self.jobs.items())[choice % len(self.jobs)]

    @invariant()
    def every_job_is_what_the_rules_say(self):
        with self.database.transaction(read_only=True) as tx:
            found, _ = tx.queue.jobs(self.library.id, limit=10_000)
        assert {job.id for job in found} == set(self.jobs)
        for job in found:
            expected = self.jobs[job.id]
            assert (job.state, job.token) == (expected.state, expected.token)
            assert (job.attempts, job.crashes, job.losses) == (expected.attempts, expected.crashes, expected.losses)

    @invariant()
    def a_result_counts_once(self):
        assert all(one.results <= 1 for one in self.jobs.values())
        assert all(one.state is JobState.DONE for one in self.jobs.values() if one.results)

    @invariant()
    def suspects_have_their_worker_to_themselves(self):
        for worker in self.alive:
            mine = self.running(worker)
            assert len(mine) <= 1 or not any(self.jobs[job].alone for job in mine)


@pytest.fixture(autouse=True)
def _backoff_outlasts_the_test(monkeypatch):
    monkeypatch.setattr(transitions, "backoff", lambda _attempts, _uniform: timedelta(hours=1))


def run(open_database, examples):
    run_state_machine_as_test(
        lambda: Queue(open_database()),
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_the_queue_in_memory_keeps_every_rule():
    run(MemoryDatabase, examples=100)


def test_the_queue_on_sqlite_keeps_every_rule(sqlite_url):
    database = SqlDatabase(sqlite_url)
    run(cleared(database), examples=15)
    database.close()


@pytest.mark.postgres
def test_the_queue_on_postgresql_keeps_every_rule(empty_postgres_url):
    database = SqlDatabase(empty_postgres_url)
    database.migrate()
    run(cleared(database), examples=15)
    database.close()


def cleared(database):
    """Hand out the same database again and again, without what the example before has left to be claimed."""

    def open_again():
        with database.transaction() as tx:
            for library in tx.catalogue.libraries():
                for state in (JobState.QUEUED, JobState.RUNNING):
                    for job in tx.queue.jobs(library.id, state=state, limit=10_000)[0]:
                        tx.queue.cancel(library.id, job.id)
            for worker in tx.queue.workers():
                tx.queue.leave(worker.id)
        return database

    return open_again
