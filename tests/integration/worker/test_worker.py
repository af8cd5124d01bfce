"""What a worker does with its jobs while nobody dies."""

import time

from app.domain import JobState, Priority, TrackState


def test_jobs_are_taken_up_and_finished(running):
    jobs = [running.add("nothing") for _ in range(5)]
    for job in jobs:
        running.wait_until(job, JobState.DONE)
        assert running.effects(job) == 1
        assert running.track(job).state is TrackState.READY


def test_an_error_that_cannot_pass_ends_the_job_with_its_reason(running):
    job = running.add("refuse it is a text")
    failed = running.wait_until(job, JobState.FAILED)
    assert (failed.error_code, failed.error_message, failed.attempts) == ("audio_unreadable", "it is a text", 1)
    assert running.track(job).state is TrackState.FAILED


def test_an_error_that_may_pass_is_tried_again(running):
    job = running.add("stumble 1")
    finished = running.wait_until(job, JobState.DONE)
    assert (finished.attempts, running.effects(job)) == (1, 1)


def test_a_cancelled_job_stops_and_makes_room(running):
    job = running.add("work 600")
    running.wait_until_acting(job)
    running.cancel(job)
    running.wait_until(running.add("nothing"), JobState.DONE, 10)
    assert running.look(job).state is JobState.CANCELLED
    assert running.effects(job) == 0


def test_a_job_that_is_retried_before_its_cancelled_run_has_let_go_runs_once_more_and_not_again(sqlite_stage):
    stage = sqlite_stage
    stage.start()
    job = stage.add("hang 3")
    first = stage.wait_until_acting(job).token
    time.sleep(1)  # so that the second run is in the middle when the first lets go
    stage.cancel(job)
    stage.retry(job)
    second = stage.wait_until_acting(job).token
    finished = stage.wait_until(job, JobState.DONE)
    assert second != first
    assert (finished.losses, stage.effects(job), stage.tallies()["claims"].count) == (0, 1, 2)


def test_an_interactive_job_does_not_wait_for_the_bulk(running):
    bulk = [running.add("work 600") for _ in range(6)]
    running.wait_until_acting(bulk[0])
    clip = running.add("nothing", Priority.INTERACTIVE)
    finished = running.wait_until(clip, JobState.DONE, 10)
    waiting = running.look(bulk[-1]).state
    for job in bulk:
        running.cancel(job)
    assert (finished.started_at - finished.created_at).total_seconds() < 1
    assert waiting is JobState.QUEUED


def test_progress_is_written_at_most_once_a_second(running):
    job = running.add("work 2.5")
    running.wait_until(job, JobState.DONE)
    with running.database.transaction(read_only=True) as tx:
        changes = [change for change in tx.changes.after(0) if change.subject == job.id]
    assert 3 <= len(changes) <= 6  # enqueued, claimed, progress once or more, finished


def test_what_workers_did_is_added_up(running, wait_for):
    jobs = [running.add("work 0.2"), running.add("refuse it is a text")]
    running.wait_until(jobs[0], JobState.DONE)
    running.wait_until(jobs[1], JobState.FAILED)
    expected = {"outcome:done": 1, "outcome:failed": 1, "claims": 2, "stage:act": 2}

    def counted():
        tallies = running.tallies()
        return all(name in tallies and tallies[name].count >= least for name, least in expected.items())

    wait_for(counted, 10, lambda: str(running.tallies()))
    assert running.tallies()["stage:act"].total > 0.2
