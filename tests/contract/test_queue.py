"""What every lease queue does: in memory, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest

from app.database import Database
from app.domain import (
    ChangeKind,
    Job,
    JobKind,
    JobState,
    Library,
    Priority,
    Tally,
    WorkerInfo,
    new_id,
    utc_now,
)
from app.errors import Conflict, InvalidRequest, LeaseLost, NotFound

LEASE = timedelta(seconds=30)
EXPIRED = timedelta(seconds=-1)
DEADLINE = timedelta(seconds=60)


class Bench:
    """The queue of one library, each call in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.library = Library(new_id(), f"library {new_id()}")
        with database.transaction() as tx:
            tx.catalogue.add_library(self.library)

    def enqueue(
        self,
        priority: int = Priority.UPLOAD,
        *,
        delay_s: float = 0.0,
        attempts: int = 0,
        kind: JobKind = JobKind.EMBED_TRACK,
    ) -> Job:
        now = utc_now()
        job = Job(
            new_id(),
            self.library.id,
            kind,
            new_id(),
            priority,
            attempts=attempts,
            created_at=now,
            run_at=now + timedelta(seconds=delay_s),
        )
        with self.database.transaction() as tx:
            return tx.queue.enqueue(job)

    def worker(self, lease: timedelta = LEASE, host: str = "host") -> str:
        worker = WorkerInfo(new_id(), host, "cpu", utc_now(), alive=True)
        with self.database.transaction() as tx:
            tx.queue.register(worker, lease)
        return worker.id

    def claim(self, worker_id: str, limit: int = 10, max_priority: int = 9) -> list[Job]:
        with self.database.transaction() as tx:
            return list(tx.queue.claim(worker_id, limit=limit, deadline=DEADLINE, max_priority=max_priority))

    def beat(self, worker_id: str, *running: Job, lease: timedelta = LEASE) -> list[str]:
        with self.database.transaction() as tx:
            return list(tx.queue.beat(worker_id, lease, [job.id for job in running]))

    def let_expire(self, worker_id: str, *running: Job) -> None:
        self.beat(worker_id, *running, lease=EXPIRED)

    def finish(self, job: Job) -> Job:
        with self.database.transaction() as tx:
            return tx.queue.finish(job.id, token(job))

    def fail(self, job: Job, *, retry: bool) -> Job:
        with self.database.transaction() as tx:
            return tx.queue.fail(job.id, token(job), code="unreadable", message="not audio", retry=retry)

    def crash(self, job: Job) -> Job:
        with self.database.transaction() as tx:
            return tx.queue.crashed(job.id, token(job), "The process died (SIGSEGV).")

    def give_back(self, job: Job) -> None:
        with self.database.transaction() as tx:
            tx.queue.give_back(job.id, token(job))

    def reap(self) -> list[Job]:
        with self.database.transaction() as tx:
            return list(tx.queue.reap())

    def cancel(self, job: Job) -> Job:
        with self.database.transaction() as tx:
            return tx.queue.cancel(self.library.id, job.id)

    def retry(self, job: Job) -> Job:
        with self.database.transaction() as tx:
            return tx.queue.retry(self.library.id, job.id)

    def look(self, job: Job) -> Job:
        with self.database.transaction() as tx:
            return tx.queue.job(self.library.id, job.id)

    def crash_until(self, job: Job, crashes: int, worker_id: str) -> Job:
        for _ in range(crashes):
            [job] = [claimed for claimed in self.claim(worker_id) if claimed.id == job.id]
            job = self.crash(job)
        return job

    def lose_until(self, job: Job, losses: int) -> Job:
        for _ in range(losses):
            worker = self.worker()
            [claimed] = self.claim(worker)
            assert claimed.id == job.id
            self.let_expire(worker, claimed)
            [job] = self.reap()
        return job


def token(job: Job) -> str:
    assert job.token is not None
    return job.token


def ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def test_a_job_is_kept_as_it_was_enqueued(bench: Bench) -> None:
    job = bench.enqueue()
    assert bench.look(job) == job
    assert job.state is JobState.QUEUED


def test_a_claimed_job_runs_under_its_worker_with_a_fresh_token(bench: Bench) -> None:
    bench.enqueue()
    bench.enqueue()
    worker = bench.worker()
    first, second = bench.claim(worker)
    assert first.state is JobState.RUNNING
    assert first.worker_id == worker
    assert first.token != second.token
    assert first.deadline is not None
    assert first.started_at is not None
    assert first.deadline - first.started_at == DEADLINE
    assert bench.look(first) == first


def test_a_job_is_claimed_once(bench: Bench) -> None:
    job = bench.enqueue()
    assert ids(bench.claim(bench.worker())) == [job.id]
    assert bench.claim(bench.worker()) == []


def test_lower_priorities_come_first_and_then_the_older(bench: Bench) -> None:
    background = bench.enqueue(Priority.BACKGROUND)
    older = bench.enqueue(Priority.UPLOAD)
    newer = bench.enqueue(Priority.UPLOAD)
    clip = bench.enqueue(Priority.INTERACTIVE)
    claimed = bench.claim(bench.worker())
    assert ids(claimed) == ids([clip, older, newer, background])


def test_a_claim_takes_no_more_than_its_limit(bench: Bench) -> None:
    for _ in range(5):
        bench.enqueue()
    worker = bench.worker()
    assert [len(bench.claim(worker, limit=2)) for _ in range(4)] == [2, 2, 1, 0]


def test_a_claim_for_interactive_jobs_leaves_the_others(bench: Bench) -> None:
    bench.enqueue(Priority.UPLOAD)
    clip = bench.enqueue(Priority.INTERACTIVE)
    worker = bench.worker()
    assert ids(bench.claim(worker, max_priority=Priority.INTERACTIVE)) == [clip.id]
    assert bench.claim(worker, max_priority=Priority.INTERACTIVE) == []


def test_a_job_for_later_is_not_claimed_now(bench: Bench) -> None:
    bench.enqueue(delay_s=60)
    assert bench.claim(bench.worker()) == []


def test_a_job_from_a_host_whose_clock_is_wrong_is_due_at_once(bench: Bench) -> None:
    ahead = utc_now() + timedelta(hours=3)
    job = Job(new_id(), bench.library.id, JobKind.EMBED_TRACK, new_id(), 5, created_at=ahead, run_at=ahead)
    with bench.database.transaction() as tx:
        tx.queue.enqueue(job)
    assert ids(bench.claim(bench.worker())) == [job.id]


def test_an_unknown_worker_gets_nothing(bench: Bench) -> None:
    bench.enqueue()
    assert bench.claim(new_id()) == []


def test_a_worker_whose_lease_has_run_out_gets_nothing_until_it_beats(bench: Bench) -> None:
    job = bench.enqueue()
    worker = bench.worker(lease=EXPIRED)
    assert bench.claim(worker) == []
    bench.beat(worker)
    assert ids(bench.claim(worker)) == [job.id]


def test_a_worker_that_was_declared_dead_gets_nothing(bench: Bench) -> None:
    bench.enqueue()
    worker = bench.worker(lease=EXPIRED)
    bench.reap()
    assert bench.claim(worker) == []


def test_an_enqueue_that_is_repeated_makes_no_second_job(bench: Bench) -> None:
    job = bench.enqueue()

    def enqueue_again() -> None:
        with bench.database.transaction() as tx:
            tx.queue.enqueue(job)

    with pytest.raises(Conflict):
        enqueue_again()
    assert ids(bench.claim(bench.worker())) == [job.id]


def test_a_finish_that_is_repeated_is_refused_and_changes_nothing(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    done = bench.finish(job)
    with pytest.raises(LeaseLost):
        bench.finish(job)
    assert bench.look(job) == done


def test_a_beat_names_the_jobs_that_are_no_longer_the_workers(bench: Bench) -> None:
    bench.enqueue()
    bench.enqueue()
    worker = bench.worker()
    kept, lost = bench.claim(worker)
    bench.cancel(lost)
    assert bench.beat(worker, kept, lost) == [lost.id]


def test_a_beat_gives_back_what_the_worker_does_not_know(bench: Bench) -> None:
    """The claim was committed but its answer was lost on the way."""
    bench.enqueue()
    bench.enqueue()
    worker = bench.worker()
    known, unknown = bench.claim(worker)
    assert bench.beat(worker, known) == []
    back = bench.look(unknown)
    assert back.state is JobState.QUEUED
    assert (back.attempts, back.crashes, back.losses) == (0, 0, 0)
    assert bench.look(known).state is JobState.RUNNING


def test_a_beat_leaves_the_jobs_of_other_workers_alone(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    bench.beat(bench.worker())
    assert bench.look(job) == job


def test_a_worker_that_was_declared_dead_is_told_so_at_its_next_beat(bench: Bench) -> None:
    worker = bench.worker(lease=EXPIRED)
    bench.reap()
    with pytest.raises(LeaseLost, match="declared dead"):
        bench.beat(worker)


def test_a_worker_whose_lease_ran_out_may_renew_it_while_nobody_has_declared_it_dead(bench: Bench) -> None:
    """After an outage of the database every lease has run out."""
    bench.enqueue()
    worker = bench.worker()
    [job] = bench.claim(worker)
    bench.let_expire(worker, job)
    assert bench.beat(worker, job) == []
    assert bench.reap() == []


def test_a_finished_job_is_done(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    done = bench.finish(job)
    assert done.state is JobState.DONE
    assert done.progress == 1.0
    assert done.finished_at is not None
    assert bench.look(job) == done


def test_a_zombie_cannot_finish_what_was_given_to_another(bench: Bench) -> None:
    bench.enqueue()
    zombie = bench.worker()
    [stale] = bench.claim(zombie)
    bench.let_expire(zombie, stale)
    bench.reap()
    [fresh] = bench.claim(bench.worker())
    for act in (bench.finish, bench.crash, bench.give_back, lambda job: bench.fail(job, retry=True)):
        with pytest.raises(LeaseLost):
            act(stale)
    assert bench.finish(fresh).state is JobState.DONE


def test_nothing_of_a_zombies_transaction_is_stored(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    bench.cancel(job)
    other = Library(new_id(), "never stored")

    def store_a_result() -> None:
        with bench.database.transaction() as tx:
            tx.catalogue.add_library(other)
            tx.queue.finish(job.id, token(job))

    with pytest.raises(LeaseLost):
        store_a_result()
    with bench.database.transaction() as tx:
        assert other not in tx.catalogue.libraries()


def test_an_error_that_may_pass_is_tried_again_after_a_while(bench: Bench) -> None:
    queued = bench.enqueue()
    worker = bench.worker()
    [job] = bench.claim(worker)
    failed = bench.fail(job, retry=True)
    assert failed.state is JobState.QUEUED
    assert failed.attempts == 1
    assert failed.run_at > queued.run_at
    assert (failed.error_code, failed.error_message) == ("unreadable", "not audio")
    assert bench.claim(worker) == []


def test_an_error_that_cannot_pass_ends_the_job_with_its_reason(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    failed = bench.fail(job, retry=False)
    assert failed.state is JobState.FAILED
    assert (failed.error_code, failed.error_message) == ("unreadable", "not audio")
    assert failed.finished_at is not None


def test_a_reason_with_characters_that_no_database_keeps_is_stored_without_them(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    with bench.database.transaction() as tx:
        tx.queue.fail(job.id, token(job), code="unreadable", message="bad\0 tag \ud800", retry=False)
    assert bench.look(job).error_message == "bad tag \ufffd"


@pytest.mark.parametrize(("errors_before", "state"), [(2, JobState.QUEUED), (3, JobState.FAILED)])
def test_a_job_is_given_up_at_its_fourth_error(bench: Bench, errors_before: int, state: JobState) -> None:
    bench.enqueue(attempts=errors_before)
    [job] = bench.claim(bench.worker())
    assert bench.fail(job, retry=True).state is state


def test_what_is_given_back_is_not_counted_and_keeps_its_place(bench: Bench) -> None:
    first = bench.enqueue()
    bench.enqueue()
    worker = bench.worker()
    [job] = bench.claim(worker, limit=1)
    bench.give_back(job)
    back = bench.look(job)
    assert (back.state, back.attempts, back.run_at) == (JobState.QUEUED, 0, first.run_at)
    assert back.token is None
    assert ids(bench.claim(worker, limit=1)) == [first.id]


def test_a_job_whose_process_died_is_a_suspect_and_runs_next(bench: Bench) -> None:
    first = bench.enqueue()
    bench.enqueue()
    worker = bench.worker()
    [job] = bench.claim(worker, limit=1)
    crashed = bench.crash(job)
    assert (crashed.state, crashed.crashes, crashed.run_at) == (JobState.QUEUED, 1, first.run_at)
    assert crashed.must_run_alone
    assert ids(bench.claim(worker)) == [first.id]


def test_nothing_is_claimed_beside_a_suspect_at_work(bench: Bench) -> None:
    job = bench.enqueue()
    worker = bench.worker()
    bench.crash_until(job, 1, worker)
    bench.enqueue(Priority.INTERACTIVE)
    bench.claim(worker, limit=1)  # the clip; the suspect waits for it
    assert bench.claim(worker) == []


def test_a_worker_draws_one_map_at_a_time_and_embeds_beside_it(bench: Bench) -> None:
    first, second = (bench.enqueue(Priority.MAP, kind=JobKind.MAP) for _ in range(2))
    behind, clip = bench.enqueue(Priority.BACKGROUND), bench.enqueue(Priority.INTERACTIVE)
    worker = bench.worker()
    taken = bench.claim(worker)
    assert ids(taken) == [clip.id, first.id, behind.id]
    assert bench.claim(worker) == []
    another = bench.enqueue(Priority.BACKGROUND)
    assert ids(bench.claim(worker, limit=1)) == [another.id]
    bench.finish(taken[1])
    assert ids(bench.claim(worker)) == [second.id]


def test_another_worker_takes_the_next_map(bench: Bench) -> None:
    maps = [bench.enqueue(Priority.MAP, kind=JobKind.MAP) for _ in range(2)]
    assert [ids(bench.claim(bench.worker())) for _ in maps] == [[each.id] for each in maps]


def test_a_suspect_waits_until_its_worker_is_idle_and_holds_back_what_stands_behind_it(bench: Bench) -> None:
    suspect = bench.enqueue()
    worker = bench.worker()
    bench.crash_until(suspect, 1, worker)
    clip = bench.enqueue(Priority.INTERACTIVE)
    bench.enqueue(Priority.BACKGROUND)
    [at_work] = bench.claim(worker)
    assert at_work.id == clip.id
    assert bench.claim(worker) == []
    bench.finish(at_work)
    assert ids(bench.claim(worker)) == [suspect.id]


def test_an_innocent_bystander_is_cleared_by_running_alone(bench: Bench) -> None:
    bench.enqueue()
    bench.enqueue()
    worker = bench.worker()
    for job in bench.claim(worker):
        bench.crash(job)
    [first] = bench.claim(worker)
    bench.finish(first)
    [second] = bench.claim(worker)
    assert second.id != first.id
    assert bench.finish(second).state is JobState.DONE


def test_a_job_that_kills_its_process_three_times_is_buried_as_poison(bench: Bench) -> None:
    job = bench.enqueue()
    worker = bench.worker()
    assert bench.crash_until(job, 2, worker).state is JobState.QUEUED
    buried = bench.crash_until(job, 1, worker)
    assert buried.state is JobState.FAILED
    assert buried.error_code == "poison"
    assert buried.error_message is not None
    assert "SIGSEGV" in buried.error_message
    assert bench.claim(worker) == []


def test_a_job_of_a_worker_that_went_away_is_queued_again_in_its_place(bench: Bench) -> None:
    queued = bench.enqueue()
    worker = bench.worker()
    [job] = bench.claim(worker)
    bench.let_expire(worker, job)
    [lost] = bench.reap()
    assert (lost.state, lost.losses, lost.run_at) == (JobState.QUEUED, 1, queued.run_at)
    assert not lost.must_run_alone
    assert bench.reap() == []


def test_jobs_of_living_workers_are_not_reaped(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    assert bench.reap() == []
    assert bench.look(job) == job


def test_a_job_that_was_lost_twice_runs_alone(bench: Bench) -> None:
    assert bench.lose_until(bench.enqueue(), 2).must_run_alone


def test_a_job_that_was_lost_five_times_is_given_up(bench: Bench) -> None:
    job = bench.lose_until(bench.enqueue(), 5)
    assert job.state is JobState.FAILED
    assert job.error_code == "lost"


def test_retiring_the_siblings_requeues_their_jobs_at_once(bench: Bench) -> None:
    bench.enqueue()
    bench.enqueue()
    [here] = bench.claim(bench.worker(host="here"), limit=1)
    [elsewhere] = bench.claim(bench.worker(host="elsewhere"), limit=1)
    heir = bench.worker(host="here")
    with bench.database.transaction() as tx:
        lost = tx.queue.retire_siblings(heir, "here")
    assert [(job.id, job.losses) for job in lost] == [(here.id, 1)]
    assert bench.look(elsewhere).state is JobState.RUNNING
    assert ids(bench.claim(heir)) == [here.id]


def test_a_worker_that_leaves_gives_back_what_it_had(bench: Bench) -> None:
    bench.enqueue()
    worker = bench.worker()
    [job] = bench.claim(worker)
    with bench.database.transaction() as tx:
        tx.queue.leave(worker)
    assert bench.look(job).state is JobState.QUEUED
    assert bench.look(job).losses == 0
    with bench.database.transaction() as tx:
        assert [(one.id, one.alive) for one in tx.queue.workers()] == [(worker, False)]


def test_workers_are_listed_with_their_leases(bench: Bench) -> None:
    worker = bench.worker(host="nas")
    with bench.database.transaction() as tx:
        [info] = tx.queue.workers()
    assert (info.id, info.host, info.device, info.alive) == (worker, "nas", "cpu", True)
    assert timedelta(0) < info.lease_until - utc_now() <= LEASE + timedelta(seconds=1)


def test_a_queued_job_can_be_cancelled(bench: Bench) -> None:
    job = bench.enqueue()
    assert bench.cancel(job).state is JobState.CANCELLED
    assert bench.claim(bench.worker()) == []


def test_a_cancelled_running_job_is_no_longer_its_workers(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    bench.cancel(job)
    with bench.database.transaction() as tx:
        assert not tx.queue.progress(job.id, token(job), "decode", 0.5)
    with pytest.raises(LeaseLost):
        bench.finish(job)


def test_an_ended_job_cannot_be_cancelled(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    bench.finish(job)
    with pytest.raises(Conflict, match="has ended"):
        bench.cancel(job)


def test_a_failed_job_can_be_tried_again_as_good_as_new(bench: Bench) -> None:
    job = bench.enqueue()
    worker = bench.worker()
    bench.crash_until(job, 3, worker)
    again = bench.retry(job)
    assert (again.state, again.attempts, again.crashes, again.losses) == (JobState.QUEUED, 0, 0, 0)
    assert again.error_code is None
    assert again.finished_at is None
    assert ids(bench.claim(worker)) == [job.id]


def test_only_what_was_given_up_can_be_tried_again(bench: Bench) -> None:
    job = bench.enqueue()
    with pytest.raises(Conflict, match="only a failed or cancelled job"):
        bench.retry(job)


def test_progress_is_seen_by_who_looks(bench: Bench) -> None:
    bench.enqueue()
    [job] = bench.claim(bench.worker())
    with bench.database.transaction() as tx:
        assert tx.queue.progress(job.id, token(job), "decode", 0.25)
    assert (bench.look(job).stage, bench.look(job).progress) == ("decode", 0.25)


@pytest.mark.parametrize("unknown", [pytest.param(new_id(), id="a new id"), "not an id", ""])
def test_a_job_that_does_not_exist_is_not_found(bench: Bench, unknown: str) -> None:
    with bench.database.transaction() as tx:
        for act in (tx.queue.job, tx.queue.cancel, tx.queue.retry):
            with pytest.raises(NotFound):
                act(bench.library.id, unknown)


def test_a_job_of_another_library_is_not_found(bench: Bench) -> None:
    job = bench.enqueue()
    stranger = Bench(bench.database)
    with pytest.raises(NotFound):
        stranger.look(job)
    with pytest.raises(NotFound):
        stranger.cancel(job)


def test_jobs_are_listed_newest_first_page_by_page(bench: Bench) -> None:
    jobs = [bench.enqueue() for _ in range(5)]
    seen: list[Job] = []
    cursor = None
    while True:
        with bench.database.transaction() as tx:
            page, cursor = tx.queue.jobs(bench.library.id, limit=2, cursor=cursor)
        seen += page
        if cursor is None:
            break
    assert ids(seen) == ids(jobs)[::-1]


def test_jobs_are_listed_by_state_and_subject(bench: Bench) -> None:
    job, other = bench.enqueue(), bench.enqueue()
    bench.cancel(other)
    Bench(bench.database).enqueue()
    with bench.database.transaction() as tx:
        assert ids(list(tx.queue.jobs(bench.library.id, state=JobState.QUEUED)[0])) == [job.id]
        assert ids(list(tx.queue.jobs(bench.library.id, subject=other.subject)[0])) == [other.id]
        assert tx.queue.jobs(bench.library.id, subject="not an id") == ([], None)


def test_a_made_up_cursor_is_refused(bench: Bench) -> None:
    with bench.database.transaction() as tx, pytest.raises(InvalidRequest, match="not a cursor"):
        tx.queue.jobs(bench.library.id, cursor="page two")


def test_depth_counts_what_has_not_ended_by_state_and_priority(bench: Bench) -> None:
    bench.enqueue(Priority.INTERACTIVE)
    bench.claim(bench.worker())
    bench.enqueue()
    bench.enqueue()
    bench.cancel(bench.enqueue())
    with bench.database.transaction() as tx:
        depth = tx.queue.depth()
        assert tx.queue.count_waiting(max_priority=9) == 2
        assert tx.queue.count_waiting(max_priority=Priority.INTERACTIVE) == 0
    assert {(one.state, one.priority): one.count for one in depth} == {
        (JobState.QUEUED, 5): 2,
        (JobState.RUNNING, 0): 1,
    }
    assert all(0 <= one.oldest_age_s < 60 for one in depth)


def test_depth_counts_the_jobs_of_one_library_alone(bench: Bench) -> None:
    other = Library(new_id(), "other")
    with bench.database.transaction() as tx:
        tx.catalogue.add_library(other)
    bench.enqueue(Priority.INTERACTIVE)
    bench.claim(bench.worker())
    bench.enqueue()
    with bench.database.transaction() as tx:
        found = tx.queue.depth(bench.library.id)
        assert [(one.state, one.priority, one.count) for one in found] == [
            (JobState.QUEUED, 5, 1),
            (JobState.RUNNING, 0, 1),
        ]
        assert tx.queue.depth(other.id) == []


def test_tallies_add_up(bench: Bench) -> None:
    with bench.database.transaction() as tx:
        tx.queue.tally([Tally("stage:decode", 2, 1.5), Tally("outcome:done", 1)])
        tx.queue.tally([Tally("stage:decode", 1, 0.25)])
        tx.queue.tally([])
        assert tx.queue.tallies() == [Tally("outcome:done", 1, 0.0), Tally("stage:decode", 3, 1.75)]


def test_whatever_happens_to_a_job_is_in_the_change_log(bench: Bench) -> None:
    job = bench.enqueue()
    worker = bench.worker()
    [claimed] = bench.claim(worker)
    with bench.database.transaction() as tx:
        tx.queue.progress(job.id, token(claimed), "decode", 0.5)
    bench.crash(claimed)
    [claimed] = bench.claim(worker)
    bench.finish(claimed)
    with bench.database.transaction() as tx:
        changes = tx.changes.after(0, library_id=bench.library.id)
    told = [change for change in changes if change.kind is ChangeKind.JOB_UPDATED and change.subject == job.id]
    assert len(told) == 6
