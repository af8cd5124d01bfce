"""PostgreSQL is cut off in the middle of everything, and comes back."""

import time

import pytest

from app.domain import JobState

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture
def stage(stage_to_stop):
    return stage_to_stop


def test_a_postgresql_that_was_cut_off_loses_nothing_and_makes_nobody_look_dead(stage, postgres_to_stop, wait_for):
    """The outage outlasts the leases: afterwards every worker looks dead, and none of them is."""
    stage.start_several(2, LEASE_S="2", BEAT_S="0.4")
    time.sleep(3)  # until both might reap
    jobs = [stage.add("work 6") for _ in range(4)] + [stage.add("work 0.3") for _ in range(6)]
    stage.wait_until_acting(jobs[3])
    postgres_to_stop.stop()
    time.sleep(4)
    postgres_to_stop.start()
    for job in jobs:
        wait_for(lambda job=job: stage.look(job).state is JobState.DONE, 40, stage.logs)
        assert stage.look(job).losses == 0
        assert stage.look(job).crashes == 0
        assert stage.effects(job) == 1
    for worker in stage.workers:
        assert worker.log.count("worker.registered") == 1
        assert "database.back" in worker.log
        assert 1 <= worker.log.count("database.away") <= 5  # once for the supervisor, once for each job


def test_results_that_came_during_the_outage_are_stored_after_it(stage, postgres_to_stop):
    stage.start_several(1)
    job = stage.add("work 2.5")
    stage.wait_until_acting(job)
    postgres_to_stop.stop()
    time.sleep(3)
    postgres_to_stop.start()
    finished = stage.wait_until(job, JobState.DONE)
    assert (finished.losses, finished.crashes, stage.effects(job)) == (0, 0, 1)


def test_a_worker_that_starts_while_the_database_is_away_waits_for_it(stage, postgres_to_stop, wait_for):
    postgres_to_stop.stop()
    worker = stage.start()
    wait_for(lambda: "database.away" in worker.log, 20, stage.logs)
    postgres_to_stop.start()
    stage.wait_until(stage.add("nothing"), JobState.DONE)
