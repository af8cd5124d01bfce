"""The supervisor by itself, without a child."""

import pytest
from structlog.testing import capture_logs

from app.adapters.doorbell import SilentDoorbell
from app.adapters.memory_database import MemoryDatabase
from app.domain import DEFAULT_LIBRARY, Job, JobKind, new_id
from workers.messages import Ended, Failure
from workers.pace import Pace
from workers.runner import Runner

PACE = Pace(lease_s=10, beat_s=3, poll_s=1, deadline_s=60, drain_s=1, slots=1)


@pytest.mark.parametrize(("outcome", "counted"), [("done", "done"), ("fenced", "dropped"), ("dropped", "dropped")])
def test_a_job_that_a_beat_finds_gone_counts_as_done_when_it_is(outcome, counted):
    runner = Runner(MemoryDatabase(), SilentDoorbell(), PACE, lambda: None)
    job = Job(new_id(), DEFAULT_LIBRARY, JobKind.EMBED_TRACK, new_id(), 5)
    runner._hand.take(job, 60)
    runner._hand.find(job.id).ours = False
    runner._end(Ended(job.id, outcome))
    assert [tally.name for tally in runner._totals.tallies()] == [f"outcome:{counted}"]
    assert len(runner._hand) == 0


@pytest.mark.parametrize("kind", [JobKind.EMBED_TRACK, JobKind.MAP])
def test_the_log_says_what_a_job_that_was_settled_is_about_by_the_names_of_the_api(kind):
    runner = Runner(MemoryDatabase(), SilentDoorbell(), PACE, lambda: None)
    job = Job(new_id(), DEFAULT_LIBRARY, kind, new_id(), 5, token=new_id())
    runner._hand.take(job, 60)
    runner._end(Ended(job.id, "failed", Failure("broken", "It is broken.", retry=False)))
    with capture_logs() as logs:
        runner._settle()
    [settled] = [entry for entry in logs if entry["event"] == "job.settled"]
    assert (settled["job_id"], settled["kind"], settled["subject"]) == (job.id, kind.value, job.subject)
    assert "track_id" not in settled
