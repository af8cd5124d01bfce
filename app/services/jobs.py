"""What a job's fate means for its track: always told in the transaction that decides it.

A map that is not drawn stays as it was: its state is that of its job.
"""

from collections.abc import Sequence
from contextlib import suppress

from app.database import Transaction
from app.domain import ChangeKind, Job, JobKind, JobState, Priority, Track, TrackState, new_id
from app.errors import NotFound


def settle(tx: Transaction, job: Job) -> None:
    """Mark the track failed if its job was given up, unless it has vectors from before or is gone.

    To be called after whatever may end a job without a result: an error, a crash, a loss, a cancel.
    """
    if job.state not in {JobState.FAILED, JobState.CANCELLED}:
        return
    if job.kind is JobKind.MAP:
        return
    with suppress(NotFound):
        track = tx.catalogue.track(job.library_id, job.subject)
        if track.state is TrackState.PENDING:
            _move(tx, track, TrackState.FAILED, ChangeKind.TRACK_FAILED)


def cancel_job(tx: Transaction, library_id: str, job_id: str) -> Job:
    """Cancel a job. Raises ``NotFound``, or ``Conflict`` if it has ended."""
    job = tx.queue.cancel(library_id, job_id)
    settle(tx, job)
    return job


def retry_job(tx: Transaction, library_id: str, job_id: str) -> Job:
    """Queue a failed or cancelled job again. Raises ``NotFound``, or ``Conflict`` if it is neither."""
    job = tx.queue.retry(library_id, job_id)
    if job.kind is JobKind.MAP:
        return job
    with suppress(NotFound):
        track = tx.catalogue.track(job.library_id, job.subject)
        if track.state is TrackState.FAILED:
            _move(tx, track, TrackState.PENDING, ChangeKind.TRACK_UPDATED)
    return job


def mend(tx: Transaction, encoder_ids: Sequence[str], limit: int) -> int:
    """Give a job to tracks that lack vectors of these encoders for no known reason; return how many those were.

    Call again while the answer is ``limit``: it takes the tracks in portions.
    """
    tracks = tx.catalogue.tracks_without_vectors(encoder_ids, limit)
    for track in tracks:
        kind = JobKind.REEMBED if track.state is TrackState.READY else JobKind.EMBED_TRACK
        tx.queue.enqueue(Job(new_id(), track.library_id, kind, track.id, Priority.BACKGROUND))
    return len(tracks)


def _move(tx: Transaction, track: Track, state: TrackState, change: ChangeKind) -> None:
    tx.catalogue.set_state(track.id, state)
    tx.changes.append(track.library_id, change, track.id, track.number)
