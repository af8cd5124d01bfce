"""Workers die in every way there is; no job is lost, and no result counts twice."""

import time

import pytest

from app.domain import JobState, TrackState
from app.settings import Settings


def test_a_job_whose_process_was_killed_is_taken_up_again(stage):
    job = stage.add("work 3")
    worker = stage.start()
    stage.wait_until_acting(job)
    worker.kill_child()
    finished = stage.wait_until(job, JobState.DONE)
    assert (finished.crashes, finished.losses, stage.effects(job)) == (1, 0, 1)


def test_a_job_whose_supervisor_was_killed_is_taken_up_by_another_worker(stage, wait_for):
    stage.start_several(2)
    job = stage.add("work 3")
    holder = stage.holder(job)
    child = holder.child()
    holder.kill_supervisor()
    wait_for(lambda: not child.is_running(), 5)  # the child dies with it
    finished = stage.wait_until(job, JobState.DONE)
    assert (finished.crashes, finished.losses, stage.effects(job)) == (0, 1, 1)


def test_after_everything_was_killed_a_new_worker_of_the_host_goes_on_at_once(stage):
    jobs = [stage.add("work 3"), *(stage.add("nothing") for _ in range(3))]
    first = stage.start(LEASE_S="600")
    stage.wait_until_acting(jobs[0])
    first.kill_everything()
    stage.start(LEASE_S="600")  # nobody waits here for the end of that lease
    for job in jobs:
        stage.wait_until(job, JobState.DONE)
        assert stage.effects(job) == 1
    assert stage.look(jobs[0]).losses == 1


@pytest.mark.slow
def test_with_the_settings_of_production_a_lost_job_is_taken_up_within_15_seconds(sqlite_stage, wait_for):
    defaults = Settings()
    stage = sqlite_stage
    stage.start_several(2, LEASE_S=str(defaults.lease_s), BEAT_S=str(defaults.beat_s), POLL_S="1")
    time.sleep(defaults.lease_s + defaults.beat_s)  # until both may declare each other dead
    job = stage.add("work 600")
    holder = stage.holder(job)
    token = stage.look(job).token
    holder.kill_everything()
    seconds = wait_for(lambda: stage.look(job).token not in {None, token}, 30, stage.logs)
    assert seconds < 15


def test_a_zombie_that_was_frozen_for_longer_than_its_lease_writes_nothing(stage, wait_for):
    stage.start_several(2)
    job = stage.add("work 3")
    zombie = stage.holder(job)
    stage.freeze(zombie)
    stage.wait_until(job, JobState.DONE)
    zombie.thaw()
    wait_for(lambda: "lease.lost" in zombie.log and zombie.log.count("worker.registered") == 2, 20, stage.logs)
    stage.wait_until(stage.add("nothing"), JobState.DONE)
    assert stage.effects(job) == 1
    assert stage.look(job).losses == 1


def test_a_job_that_kills_its_process_every_time_is_buried_while_the_others_go_on(stage):
    before = [stage.add("work 0.3") for _ in range(3)]
    poison = stage.add("segfault")
    after = [stage.add("work 0.3") for _ in range(3)]
    stage.start()
    buried = stage.wait_until(poison, JobState.FAILED, 40)
    assert (buried.crashes, buried.error_code) == (3, "poison")
    assert "SIGSEGV" in buried.error_message
    assert "in stage act" in buried.error_message
    assert stage.track(poison).state is TrackState.FAILED
    for job in before + after:
        finished = stage.wait_until(job, JobState.DONE)
        assert finished.crashes <= 1
        assert stage.effects(job) == 1


def test_a_job_past_its_deadline_is_ended_and_the_innocent_beside_it_are_not_suspected(sqlite_stage):
    stage = sqlite_stage
    hung = stage.add("hang 600")
    stage.start(JOB_DEADLINE_S="3")
    stage.wait_until(hung, JobState.RUNNING)
    time.sleep(1)  # so that the other job is not over when this one's time is
    beside = stage.add("work 2.4")
    buried = stage.wait_until(hung, JobState.FAILED, 40)
    assert buried.crashes == 3
    assert "took longer than 3 s in stage act" in buried.error_message
    assert stage.wait_until(beside, JobState.DONE).crashes == 0
    assert "jobs=2" in stage.logs()


def test_a_job_that_holds_the_interpreter_for_longer_than_the_lease_keeps_it(stage):
    stage.start_several(2, LEASE_S="1.5", BEAT_S="0.3")
    job = stage.add("hog 4")
    finished = stage.wait_until(job, JobState.DONE)
    assert (finished.crashes, finished.losses, stage.effects(job)) == (0, 0, 1)
