"""The child's threads by themselves, without a supervisor."""

import os
import sys
from dataclasses import replace
from multiprocessing import Pipe
from threading import Event

import pytest
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.domain import DEFAULT_LIBRARY, Job, JobKind, new_id
from workers.crew import Crew
from workers.messages import Drop, Take
from workers.watch import Watch

log = structlog.get_logger(__name__)


class Line:
    """A pipe to a supervisor that says all this and is gone."""

    def __init__(self, *messages):
        self._messages = list(messages)
        self.told = []

    def recv(self):
        if not self._messages:
            raise EOFError
        return self._messages.pop(0)

    def send(self, message):
        self.told.append(message)


class Fleeting(dict):
    """Whatever somebody asks for is gone a moment later."""

    def __contains__(self, key):
        return self.pop(key, None) is not None


@pytest.fixture
def serve(monkeypatch):
    """Let a crew serve to the end of its line, which is not the end of this process."""
    monkeypatch.setattr(os, "_exit", sys.exit)

    def to_the_end(crew):
        with pytest.raises(SystemExit):
            crew.serve()

    return to_the_end


def claimed():
    return Job(new_id(), DEFAULT_LIBRARY, JobKind.EMBED_TRACK, new_id(), 5, token=new_id())


def test_of_two_runs_of_a_job_the_one_is_dropped_that_is_meant(serve):
    first = claimed()
    second = replace(first, token=new_id())
    line, dropped = Line(Take(first.token, first), Take(second.token, second), Drop(first.token)), Event()

    def work(_job, watch):
        dropped.wait()
        watch.check()

    crew = Crew(line, work, 2)
    serve(crew)
    dropped.set()
    crew._threads.shutdown()
    assert {ended.token: ended.outcome for ended in line.told} == {first.token: "dropped", second.token: "done"}


def test_a_drop_that_meets_the_end_of_its_job_does_no_harm(serve):
    job = claimed()
    crew = Crew(Line(Drop(job.token)), lambda *_: None, 1)
    crew._watches = Fleeting({job.token: Watch(job.token, crew.tell)})
    serve(crew)


@pytest.mark.parametrize("kind", [JobKind.EMBED_CLIP, JobKind.MAP])
def test_each_log_line_of_a_job_says_what_it_is_about_by_the_names_of_the_api(kind):
    ours, theirs = Pipe()
    job = Job(new_id(), DEFAULT_LIBRARY, kind, new_id(), 5, token=new_id(), request_id="asked")
    crew = Crew(theirs, lambda *_: log.info("working"), 1)
    with ours, theirs, capture_logs(processors=[merge_contextvars]) as logs:
        crew._do(job, Watch(job.token, crew.tell))
        assert ours.recv().outcome == "done"
    assert [entry["event"] for entry in logs] == ["working", "job.ended"]
    about = {"job_id": job.id, "kind": kind.value, "subject": job.subject, "request_id": "asked"}
    assert all(about.items() <= entry.items() for entry in logs)
    assert all("track_id" not in entry for entry in logs)
