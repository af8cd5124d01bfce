"""Jobs: how far, cancel, try again."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.dependencies import AssemblyDep, ItemId, Reader, Writer, checked_id
from app.api.schemas import JobPage, JobResponse
from app.api.text import Line
from app.domain import JobState
from app.services.jobs import cancel_job, retry_job

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


@router.get("")
def list_jobs(  # noqa: PLR0917 - FastAPI calls it by keyword
    caller: Reader,
    assembly: AssemblyDep,
    state: JobState | None = None,
    subject: Annotated[Line | None, Query(description="Id of a track, clip or map.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[Line | None, Query(description="next_cursor of the page before.")] = None,
) -> JobPage:
    """List jobs, newest first."""
    about = checked_id(subject) if subject else None
    with assembly.ports.database.transaction(read_only=True) as tx:
        jobs, next_cursor = tx.queue.jobs(caller.library_id, state=state, subject=about, limit=limit, cursor=cursor)
    return JobPage(items=[JobResponse.of(job) for job in jobs], next_cursor=next_cursor)


@router.get("/{job_id}")
def get_job(job_id: ItemId, caller: Reader, assembly: AssemblyDep) -> JobResponse:
    """Read a job."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        return JobResponse.of(tx.queue.job(caller.library_id, job_id))


@router.post("/{job_id}/cancel")
def cancel(job_id: ItemId, caller: Writer, assembly: AssemblyDep) -> JobResponse:
    """Cancel a job that has not ended; a worker that is on it stops soon."""
    with assembly.ports.database.transaction() as tx:
        return JobResponse.of(cancel_job(tx, caller.library_id, job_id))


@router.post("/{job_id}/retry")
def retry(job_id: ItemId, caller: Writer, assembly: AssemblyDep) -> JobResponse:
    """Queue a failed or cancelled job again."""
    with assembly.ports.database.transaction() as tx:
        job = retry_job(tx, caller.library_id, job_id)
    assembly.ports.doorbell.ring()
    return JobResponse.of(job)
