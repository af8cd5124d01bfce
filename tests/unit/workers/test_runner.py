"""The supervisor by itself, without a child."""

import pytest

from app.adapters.doorbell import SilentDoorbell
from app.adapters.memory_database import MemoryDatabase
from app.domain import DEFAULT_LIBRARY, Job, JobKind, new_id
from workers.messages import Ended
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
