"""What the fate of a job means for its track, on every database."""

from datetime import timedelta

import numpy as np
import pytest

from app.domain import (
    DEFAULT_LIBRARY,
    ChangeKind,
    Embedding,
    EncoderInfo,
    Job,
    JobKind,
    JobState,
    Metadata,
    Priority,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    TrackState,
    WorkerInfo,
    new_id,
    utc_now,
)
from app.errors import Conflict, NotFound
from app.services.jobs import cancel_job, mend, retry_job, settle

MINUTE = timedelta(minutes=1)


class Desk:
    """Tracks with jobs, a worker and an encoder."""

    def __init__(self, database):
        self.database = database
        worker = WorkerInfo(new_id(), "host", "cpu", utc_now(), alive=True)
        encoder = EncoderInfo(new_id(), "ears", "1", "0" * 64, (Space("all", 2),))
        with database.transaction() as tx:
            tx.queue.register(worker, MINUTE)
            self.encoder = tx.catalogue.announce_encoder(encoder)
        self.worker_id = worker.id

    def add(self, *, with_job=True):
        key = new_id()
        audio = StoredAudio(key, key.replace("-", "") * 2, 1, "audio/wav", "a.wav")
        with self.database.transaction() as tx:
            track = tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio))
            if with_job:
                tx.queue.enqueue(Job(new_id(), DEFAULT_LIBRARY, JobKind.EMBED_TRACK, track.id, Priority.UPLOAD))
        return track

    def embed(self, track):
        vectors = np.array([[0.6, 0.8]], np.float32)
        spans = np.array([[0, 1]], np.float32)
        with self.database.transaction() as tx:
            tx.catalogue.save_embedding(track.id, Embedding(self.encoder.id, vectors[0], spans, vectors))
            tx.catalogue.set_state(track.id, TrackState.READY)

    def job(self, track):
        with self.database.transaction() as tx:
            jobs, _ = tx.queue.jobs(DEFAULT_LIBRARY, subject=track.id)
        return jobs[0] if jobs else None

    def fail(self, track, *, retry=False):
        with self.database.transaction() as tx:
            [job] = tx.queue.claim(self.worker_id, limit=1, deadline=MINUTE)
            assert job.subject == track.id
            settle(tx, tx.queue.fail(job.id, job.token, code="code", message="message", retry=retry))

    def state(self, track):
        with self.database.transaction() as tx:
            return tx.catalogue.track(DEFAULT_LIBRARY, track.id).state

    def cancel(self, track):
        with self.database.transaction() as tx:
            return cancel_job(tx, DEFAULT_LIBRARY, self.job_id(tx, track))

    def retry(self, track):
        with self.database.transaction() as tx:
            return retry_job(tx, DEFAULT_LIBRARY, self.job_id(tx, track))

    def job_id(self, tx, track):
        return tx.queue.jobs(DEFAULT_LIBRARY, subject=track.id)[0][0].id

    def mend(self):
        with self.database.transaction() as tx:
            return mend(tx, [self.encoder.id], 100)

    def changes(self, track):
        with self.database.transaction() as tx:
            return [(change.kind, change.number) for change in tx.changes.after(0) if change.subject == track.id]


@pytest.fixture
def desk(database):
    return Desk(database)


def test_a_track_whose_job_was_given_up_has_failed(desk):
    track = desk.add()
    desk.fail(track)
    assert desk.state(track) is TrackState.FAILED
    assert desk.changes(track)[-1] == (ChangeKind.TRACK_FAILED, track.number)


def test_a_track_whose_job_is_tried_again_has_not_failed(desk):
    track = desk.add()
    desk.fail(track, retry=True)
    assert desk.state(track) is TrackState.PENDING


def test_a_track_that_has_vectors_stays_ready_whatever_becomes_of_a_later_job(desk):
    track = desk.add()
    desk.embed(track)
    desk.fail(track)
    assert desk.state(track) is TrackState.READY
    assert ChangeKind.TRACK_FAILED not in dict(desk.changes(track))


def test_a_track_whose_job_was_cancelled_is_given_up_until_it_is_tried_again(desk):
    track = desk.add()
    assert desk.cancel(track).state is JobState.CANCELLED
    assert desk.state(track) is TrackState.FAILED
    assert desk.retry(track).state is JobState.QUEUED
    assert desk.state(track) is TrackState.PENDING
    assert desk.changes(track)[-1] == (ChangeKind.TRACK_UPDATED, track.number)


def test_what_cannot_be_cancelled_leaves_the_track_alone(desk):
    track = desk.add()
    desk.fail(track)
    with pytest.raises(Conflict):
        desk.cancel(track)
    with desk.database.transaction() as tx, pytest.raises(NotFound):
        cancel_job(tx, DEFAULT_LIBRARY, new_id())


def test_the_job_of_a_track_that_was_deleted_meanwhile_settles_in_silence(desk):
    track = desk.add()
    desk.fail(track)
    job = desk.job(track)
    with desk.database.transaction() as tx:
        tx.catalogue.delete_track(DEFAULT_LIBRARY, track.id)
        settle(tx, job)


def test_a_track_without_vectors_and_without_a_job_gets_one_again(desk):
    track = desk.add(with_job=False)
    assert desk.mend() == 1
    job = desk.job(track)
    assert (job.kind, job.priority, job.state) == (JobKind.EMBED_TRACK, Priority.BACKGROUND, JobState.QUEUED)
    assert desk.mend() == 0


def test_a_track_that_lacks_the_vectors_of_a_new_encoder_gets_a_job_for_it(desk):
    track = desk.add(with_job=False)
    desk.embed(track)
    assert desk.mend() == 0
    newer = EncoderInfo(new_id(), "eyes", "1", "1" * 64, (Space("all", 2),))
    with desk.database.transaction() as tx:
        newer = tx.catalogue.announce_encoder(newer)
        assert mend(tx, [desk.encoder.id, newer.id], 100) == 1
    assert desk.job(track).kind is JobKind.REEMBED


def test_what_was_given_up_is_not_mended_again_and_again(desk):
    failed, cancelled = desk.add(), desk.add()
    desk.fail(failed)
    desk.cancel(cancelled)
    ready = desk.add()
    desk.embed(ready)
    desk.fail(ready)
    with desk.database.transaction() as tx:
        newer = tx.catalogue.announce_encoder(EncoderInfo(new_id(), "eyes", "1", "1" * 64, (Space("all", 2),)))
        assert mend(tx, [newer.id], 100) == 0


def test_a_track_that_was_given_up_once_and_embedded_later_is_mended_like_any_other(desk):
    track = desk.add()
    desk.fail(track)
    with desk.database.transaction() as tx:
        tx.queue.enqueue(Job(new_id(), DEFAULT_LIBRARY, JobKind.EMBED_TRACK, track.id, Priority.UPLOAD))
    desk.embed(track)
    with desk.database.transaction() as tx:
        [job] = tx.queue.claim(desk.worker_id, limit=1, deadline=MINUTE)
        tx.queue.finish(job.id, job.token)
        newer = tx.catalogue.announce_encoder(EncoderInfo(new_id(), "eyes", "1", "1" * 64, (Space("all", 2),)))
        assert mend(tx, [newer.id], 100) == 1


def test_no_more_is_mended_at_once_than_is_asked_for(desk):
    for _ in range(3):
        desk.add(with_job=False)
    with desk.database.transaction() as tx:
        assert [mend(tx, [desk.encoder.id], 2) for _ in range(3)] == [2, 1, 0]


def test_a_map_that_ends_without_a_result_leaves_tracks_alone(desk):
    track = desk.add(with_job=False)
    with desk.database.transaction() as tx:
        job = tx.queue.enqueue(Job(new_id(), DEFAULT_LIBRARY, JobKind.MAP, new_id(), Priority.MAP))
        assert cancel_job(tx, DEFAULT_LIBRARY, job.id).state is JobState.CANCELLED
        assert retry_job(tx, DEFAULT_LIBRARY, job.id).state is JobState.QUEUED
        assert mend(tx, [desk.encoder.id], 10) == 1
    assert desk.state(track) is TrackState.PENDING
