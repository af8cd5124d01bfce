"""The end of a job, in the transaction that stores its result."""

from app.database import Transaction
from app.domain import Job, JobState
from app.errors import LeaseLost, NotFound


def finish(tx: Transaction, job: Job) -> bool:
    """Mark a job done; ``False`` where an earlier try was committed, result and all, and only the answer was lost.

    To be called before anything is stored: here as everywhere the job is locked before what it is about.

    Raises:
        LeaseLost: It is somebody else's, or nobody's.
    """
    if job.token is None:
        raise LeaseLost(f"Job {job.id} came without a token; only a claimed job can be finished.")
    if _is_done(tx, job):
        return False
    tx.queue.finish(job.id, job.token)
    return True


def _is_done(tx: Transaction, job: Job) -> bool:
    try:
        stored = tx.queue.job(job.library_id, job.id)
    except NotFound:
        return False
    return stored.state is JobState.DONE and stored.worker_id == job.worker_id
