"""Whatever workers do and suffer, in whatever order: no job is lost, none is done twice, poison is buried.

One state machine over all queues. It keeps the expected state of every job by itself, from the rules that
``JobQueue`` states and not from the code under test.
"""

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
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


CHOICE = st.integers(0, 10_000)
FATES = ("finish", "fail", "fail for good", "crash", "crash", "give back")


class Queue(RuleBasedStateMachine):
    """A few workers on one queue. Choices are numbers, taken modulo what there is to choose from."""

    def __init__(self, database):
        super().__init__()
        self.database = database
        self.library = Library(new_id(), f"library {uuid.uuid4()}")
        with database.transaction() as tx:
            tx.catalogue.add_library(self.library)
        self.jobs = {}
        self.alive = {}
        self.expired = set()
        self.claims = []
        self.settled = []
        self.order = 0
        self.seen = Counter()

    def running(self, worker):
        return {job for job, one in self.jobs.items() if one.state is JobState.RUNNING and one.holder == worker}

    def next_order(self):
        self.order += 1
        return self.order

    def living(self):
        return [worker for worker, alive in self.alive.items() if alive]

    def some_worker(self, choice):
        """As a rule one that lives."""
        workers = list(self.alive) if choice % 8 == 0 else self.living()
        return workers[choice // 8 % len(workers)]

    @initialize()
    def begin(self):
        for _ in range(2):
            self.register()
        for priority in (5, 5, 9):
            self.enqueue(priority)

    @rule(priority=st.sampled_from([0, 5, 9]))
    def enqueue(self, priority):
        job = Job(new_id(), self.library.id, JobKind.EMBED_TRACK, new_id(), priority)
        with self.database.transaction() as tx:
            tx.queue.enqueue(job)
        self.jobs[job.id] = Expected(priority, self.next_order())

    @precondition(lambda self: len(self.living()) < 3)
    @rule()
    def register(self):
        worker = WorkerInfo(new_id(), "host", "cpu", utc_now(), alive=True)
        with self.database.transaction() as tx:
            tx.queue.register(worker, LEASE)
        self.alive[worker.id] = True

    def work(self, choice, highest, fates):
        """A worker claims some jobs; each meets its fate at once, or is held until somebody settles it."""
        before = len(self.claims)
        self.claim(choice, len(fates), highest)
        for fate in fates[: len(self.claims) - before]:
            if fate == "hold":
                before += 1
            else:
                self.settle(before, fate)

    # Most of what happens shall be work: rules are drawn evenly, so that it stands here several times.
    work_first, work_more, work_on, work_again = (
        rule(
            choice=CHOICE,
            highest=st.sampled_from([9, 9, 9, 0]),
            fates=st.lists(st.sampled_from((*FATES, "hold", "hold")), min_size=1, max_size=4),
        )(work)
        for work in [work] * 4
    )

    def claim(self, choice, limit, highest):
        worker = self.some_worker(choice)
        with self.database.transaction() as tx:
            got = tx.queue.claim(worker, limit=limit, deadline=DEADLINE, max_priority=highest)
        assert [job.id for job in got] == self.expected_claim(worker, limit, highest)
        for job in got:
            expected = self.jobs[job.id]
            assert job.token != expected.token
            expected.state, expected.holder, expected.token = JobState.RUNNING, worker, job.token
            self.claims.append((job.id, job.token))
        self.seen["alone"] += any(job.must_run_alone for job in got)

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

    @precondition(lambda self: self.claims)
    @rule(choice=CHOICE, fate=st.sampled_from(FATES))
    def settle_what_was_held(self, choice, fate):
        self.settle(choice, fate)

    def settle(self, choice, fate):
        """Whoever holds a claim says what became of it; by now it may be somebody else's."""
        job, token = claim = self.claims.pop(choice % len(self.claims))
        self.settled.append(claim)
        expected = self.jobs[job]
        if expected.state is JobState.RUNNING and expected.token == token:
            self.tell(job, token, fate)
            self.happen(expected, fate)
            self.seen[fate] += 1
            return
        self.seen["fenced"] += 1
        with pytest.raises(LeaseLost):
            self.tell(job, token, fate)

    def tell(self, job, token, fate):
        with self.database.transaction() as tx:
            if fate == "finish":
                tx.queue.finish(job, token)
            elif fate == "crash":
                tx.queue.crashed(job, token, "SIGSEGV")
            elif fate == "give back":
                tx.queue.give_back(job, token)
            else:
                tx.queue.fail(job, token, code="code", message="message", retry=fate == "fail")

    def happen(self, expected, fate):
        """The rules of ``JobQueue``."""
        given_up = JobState.QUEUED
        if fate == "finish":
            expected.results += 1
            given_up = JobState.DONE
        elif fate == "crash":
            expected.crashes += 1
            given_up = JobState.FAILED if expected.crashes >= 3 else JobState.QUEUED
            self.seen["poison"] += expected.crashes >= 3
        elif fate.startswith("fail"):
            expected.attempts += 1
            final = fate == "fail for good" or expected.attempts >= 4
            given_up = JobState.FAILED if final else JobState.QUEUED
            expected.waits = not final
        expected.let_go(given_up)

    @precondition(lambda self: self.settled)
    @rule(choice=CHOICE)
    def a_zombie_says_it_again(self, choice):
        job, token = self.settled[choice % len(self.settled)]
        with pytest.raises(LeaseLost):
            self.tell(job, token, "finish")

    @rule(choice=CHOICE, forgets=st.booleans())
    def beat(self, choice, forgets):
        worker = self.some_worker(choice)
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

    @rule(choice=CHOICE)
    def the_lease_runs_out(self, choice):
        worker = self.some_worker(choice)
        if self.alive[worker]:
            with self.database.transaction() as tx:
                tx.queue.beat(worker, EXPIRED, self.running(worker))
            self.expired.add(worker)

    def lose(self, choice, times):
        """Machines go away one after the other, each just after it has claimed something."""
        for _ in range(times):
            self.claim(choice, 2, 9)
            self.the_lease_runs_out(choice)
            self.reap()

    lose_some, lose_more = (rule(choice=CHOICE, times=st.integers(1, 4))(lose) for lose in [lose] * 2)

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
            self.count_loss(job)
        if not self.living():
            self.register()

    def count_loss(self, job):
        expected = self.jobs[job]
        self.seen["lost"] += 1
        expected.losses += 1
        expected.let_go(JobState.FAILED if expected.losses >= 5 else JobState.QUEUED)

    @precondition(lambda self: len(self.living()) > 1)
    @rule(choice=CHOICE)
    def leave(self, choice):
        worker = self.some_worker(choice)
        with self.database.transaction() as tx:
            tx.queue.leave(worker)
        self.alive[worker] = False
        self.expired.discard(worker)
        for job in self.running(worker):
            self.jobs[job].let_go()

    @rule(choice=CHOICE)
    def cancel(self, choice):
        job, expected = self.pick(choice)
        if expected.state in {JobState.QUEUED, JobState.RUNNING}:
            with self.database.transaction() as tx:
                tx.queue.cancel(self.library.id, job)
            expected.let_go(JobState.CANCELLED)
        else:
            with pytest.raises(Conflict), self.database.transaction() as tx:
                tx.queue.cancel(self.library.id, job)

    @rule(choice=CHOICE)
    def try_again(self, choice):
        job, expected = self.pick(choice)
        if expected.state in {JobState.FAILED, JobState.CANCELLED}:
            with self.database.transaction() as tx:
                tx.queue.retry(self.library.id, job)
            self.jobs[job] = Expected(expected.priority, self.next_order(), results=expected.results)
        else:
            with pytest.raises(Conflict), self.database.transaction() as tx:
                tx.queue.retry(self.library.id, job)

    def pick(self, choice):
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
            stateful_step_count=60,
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
