"""The database commits, and the connection breaks before the answer: nobody knows what was stored."""

import pytest

from app.domain import JobState


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_a_result_whose_commit_was_not_confirmed_is_stored_once(stage, wait_for):
    job = stage.add("unconfirmed")
    worker = stage.start()
    finished = stage.wait_until(job, JobState.DONE)
    wait_for(lambda: "outcome=fenced" in worker.log or "outcome=dropped" in worker.log, 10, stage.logs)
    assert (finished.attempts, finished.crashes, finished.losses, stage.effects(job)) == (0, 0, 0, 1)


@pytest.mark.parametrize("stage", ["sqlite"], indirect=True)
def test_jobs_whose_claim_was_not_confirmed_are_given_back_and_claimed_again(stage):
    jobs = [stage.add("nothing") for _ in range(4)]
    worker = stage.start(UNCONFIRMED_CLAIMS="2")
    for job in jobs:
        finished = stage.wait_until(job, JobState.DONE)
        assert (finished.attempts, finished.crashes, finished.losses, stage.effects(job)) == (0, 0, 0, 1)
    assert worker.log.count("the answer is lost") >= 1
