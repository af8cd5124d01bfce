"""Waiting for jobs."""

from app.api.schemas import JobResponse
from app.client.errors import JobGivenUp
from app.domain import JobState

LOOK_S = 0.3
"""Between two looks at a job."""


def must_be_done(job: JobResponse) -> JobResponse:
    """Return the job. Raises ``JobGivenUp`` with the worker's reason."""
    if job.state is JobState.DONE:
        return job
    reason = job.error.message if job.error else ""
    raise JobGivenUp(reason or f"The job {job.id} was {job.state}.")
