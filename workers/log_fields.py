"""What the log lines of a job say it is about."""

from collections.abc import Mapping

from app.domain import Job


def log_fields(job: Job) -> Mapping[str, str | None]:
    """By the names of the API."""
    return {"job_id": job.id, "kind": job.kind.value, "subject": job.subject, "request_id": job.request_id}
