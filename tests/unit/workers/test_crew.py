"""The child's threads by themselves, without a supervisor."""

from multiprocessing import Pipe

import pytest
import structlog
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.domain import DEFAULT_LIBRARY, Job, JobKind, new_id
from workers.crew import Crew
from workers.watch import Watch

log = structlog.get_logger(__name__)


@pytest.mark.parametrize("kind", [JobKind.EMBED_CLIP, JobKind.MAP])
def test_each_log_line_of_a_job_says_what_it_is_about_by_the_names_of_the_api(kind):
    ours, theirs = Pipe()
    job = Job(new_id(), DEFAULT_LIBRARY, kind, new_id(), 5, request_id="asked")
    crew = Crew(theirs, lambda *_: log.info("working"), 1)
    with ours, theirs, capture_logs(processors=[merge_contextvars]) as logs:
        crew._do(job, Watch(job.id, crew.tell))
        assert ours.recv().outcome == "done"
    assert [entry["event"] for entry in logs] == ["working", "job.ended"]
    about = {"job_id": job.id, "kind": kind.value, "subject": job.subject, "request_id": "asked"}
    assert all(about.items() <= entry.items() for entry in logs)
    assert all("track_id" not in entry for entry in logs)
