"""The supervisor by itself, without a child."""

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from app.adapters.doorbell import SilentDoorbell
from app.adapters.memory_database import MemoryDatabase
from app.domain import DEFAULT_LIBRARY, Job, JobKind, new_id
from workers.messages import Drop, Ended, Failure, Take
from workers.pace import Pace
from workers.runner import Runner

PACE = Pace(lease_s=10, beat_s=3, poll_s=1, deadline_s=60, drain_s=1, slots=1)


class Listener:
    """A child that only listens."""

    def __init__(self):
        self.heard = []

    def send(self, message):
        self.heard.append(message)


def claimed(kind=JobKind.EMBED_TRACK):
    return Job(new_id(), DEFAULT_LIBRARY, kind, new_id(), 5, token=new_id(), request_id="asked")


@pytest.mark.parametrize(("outcome", "counted"), [("done", "done"), ("fenced", "dropped"), ("dropped", "dropped")])
def test_a_job_that_a_beat_finds_gone_counts_as_done_when_it_is(outcome, counted):
    runner = Runner(MemoryDatabase(), SilentDoorbell(), PACE, lambda: None)
    held = runner._hand.take(claimed(), 60)
    held.ours = False
    runner._end(Ended(held.token, outcome))
    assert [tally.name for tally in runner._totals.tallies()] == [f"outcome:{counted}"]
    assert len(runner._hand) == 0


@pytest.mark.parametrize("ended", [("fenced", None), ("failed", Failure("broken", "It is broken.", retry=True))])
def test_a_job_that_comes_again_replaces_its_earlier_run_whose_end_does_it_no_harm(ended):
    runner = Runner(MemoryDatabase(), SilentDoorbell(), PACE, lambda: None)
    child = runner._child = Listener()
    first = claimed()
    second = replace(first, token=new_id())
    runner._start(first)
    runner._start(second)
    assert child.heard == [Take(first.token, first), Drop(first.token), Take(second.token, second)]
    runner._end(Ended(first.token, *ended))
    [held] = runner._hand
    assert (held.job, held.ours, held.verdict) == (second, True, None)


@pytest.mark.parametrize("kind", [JobKind.EMBED_TRACK, JobKind.MAP])
def test_the_log_says_what_a_job_that_was_settled_is_about_by_the_names_of_the_api(kind):
    runner = Runner(MemoryDatabase(), SilentDoorbell(), PACE, lambda: None)
    job = claimed(kind)
    runner._hand.take(job, 60)
    runner._end(Ended(job.token, "failed", Failure("broken", "It is broken.", retry=False)))
    with capture_logs() as logs:
        runner._settle()
    [settled] = [entry for entry in logs if entry["event"] == "job.settled"]
    about = {"job_id": job.id, "kind": kind.value, "subject": job.subject, "request_id": "asked"}
    assert about.items() <= settled.items()
    assert "track_id" not in settled
