"""Maps are drawn by real workers, which are killed, told to stop, and have other work."""

import numpy as np
import pytest

from app.catalogue_map import MapRequest
from app.domain import (
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
    new_id,
)

SCENE = "map_scene:main"
WIDTH = 32
ENOUGH = 2000
"""Tracks whose layout takes long enough to be disturbed."""


def fill(stage, count=ENOUGH):
    rng = np.random.default_rng(0)
    spans = np.array([[0, 1]], np.float32)
    with stage.database.transaction() as tx:
        encoder = EncoderInfo(new_id(), "ears", "1", "0" * 64, (Space("all", WIDTH),))
        encoder = tx.catalogue.announce_encoder(encoder)
        for number in range(count):
            audio = StoredAudio(None, f"{number:064x}", 1, "audio/wav", "a.wav")
            metadata = Metadata(title=str(number), tags=(f"kind {number % 3}",))
            track = tx.catalogue.add_track(Track(new_id(), stage.library.id, TrackKind.TRACK, metadata, audio))
            vector = (2 * np.eye(WIDTH)[number % 3] + rng.normal(size=WIDTH) / WIDTH**0.5).astype(np.float32)
            vector /= np.linalg.norm(vector)
            tx.catalogue.save_embedding(track.id, Embedding(encoder.id, vector, spans, vector[None]))
    return encoder


def ask(stage, encoder):
    with stage.database.transaction() as tx:
        asked = tx.maps.ask(stage.library.id, MapRequest.of(encoder, None), encoder.id)
        job = Job(new_id(), stage.library.id, JobKind.MAP, asked.id, Priority.MAP)
        return tx.queue.enqueue(job)


def drawing(stage, job):
    with stage.database.transaction(read_only=True) as tx:
        return tx.maps.drawing(job.subject)


def wait_until_drawing(stage, wait_for, job):
    wait_for(lambda: stage.look(job).stage == "layout", 60, lambda: stage.report(job))


def test_a_map_whose_process_was_killed_in_the_middle_is_drawn_again(stage, wait_for):
    job = ask(stage, fill(stage))
    worker = stage.start(SCENE=SCENE)
    wait_until_drawing(stage, wait_for, job)
    worker.kill_child()
    finished = stage.wait_until(job, JobState.DONE, 120)
    assert (finished.crashes, finished.attempts, finished.progress) == (1, 0, 1.0)
    drawn = drawing(stage, job)
    assert len(drawn.numbers) == ENOUGH
    assert {cluster.name for cluster in drawn.clustering.clusters} == {"kind 0", "kind 1", "kind 2"}


def test_a_cancelled_map_stops_and_is_not_stored(sqlite_stage, wait_for):
    stage = sqlite_stage
    job = ask(stage, fill(stage))
    worker = stage.start(SCENE=SCENE)
    wait_until_drawing(stage, wait_for, job)
    stage.cancel(job)
    wait_for(lambda: "outcome=dropped" in worker.log, 20, stage.logs)
    assert stage.look(job).state is JobState.CANCELLED
    assert drawing(stage, job) is None


@pytest.mark.parametrize("priority", [Priority.INTERACTIVE, Priority.UPLOAD])
def test_a_worker_of_a_single_slot_embeds_while_it_draws(sqlite_stage, wait_for, priority):
    stage = sqlite_stage
    job = ask(stage, fill(stage))
    stage.start(SCENE=SCENE, WORKER_THREADS="1")
    wait_until_drawing(stage, wait_for, job)
    others = [stage.add("nothing", priority) for _ in range(3)]
    for other in others:
        stage.wait_until(other, JobState.DONE, 20)
    assert stage.look(job).state is JobState.RUNNING
    stage.wait_until(job, JobState.DONE, 120)
    [first] = [stage.look(other) for other in others[:1]]
    assert (first.started_at - first.created_at).total_seconds() < 2


def test_a_map_without_anything_to_draw_ends_with_its_reason(sqlite_stage):
    stage = sqlite_stage
    job = ask(stage, fill(stage, count=0))
    stage.start(SCENE=SCENE)
    failed = stage.wait_until(job, JobState.FAILED, 60)
    assert (failed.error_code, failed.attempts) == ("not_embedded", 1)
    assert "upload tracks" in failed.error_message
