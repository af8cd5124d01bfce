"""One job: from the vectors of a library to its map, all of it stored or nothing."""

from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import pytest

from app.adapters.memory_database import MemoryDatabase
from app.catalogue_map import MapRequest
from app.domain import (
    DEFAULT_LIBRARY,
    Calibration,
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
    WorkerInfo,
    new_id,
    utc_now,
)
from app.errors import Conflict, DatabaseUnavailable, LeaseLost, NotEmbedded, NotFound
from workers.dispatch import Dispatch
from workers.draw_map import MapJobs
from workers.failures import failure_of
from workers.watch import JobDropped, Watch

MINUTE = timedelta(minutes=1)
KINDS = (("piano", "calm"), ("drums", "loud"), ("voice", "loud"))


class Desk:
    """A library of planted kinds of music, a worker, and maps to draw."""

    def __init__(self):
        self.database = MemoryDatabase()
        self.worker_id = new_id()
        with self.database.transaction() as tx:
            spaces = (Space("genre", 8), Space("key", 4))
            self.encoder = tx.catalogue.announce_encoder(EncoderInfo(new_id(), "ears", "1", "0" * 64, spaces))
            tx.queue.register(WorkerInfo(self.worker_id, "host", "cpu", utc_now() + MINUTE, alive=True), MINUTE)
        self.told = []

    def fill(self, each=20, kinds=KINDS):
        """Tracks whose genre is that of their tags and whose key is anything."""
        rng = np.random.default_rng(0)
        with self.database.transaction() as tx:
            for number in range(each * len(kinds)):
                kind = number % len(kinds)
                audio = StoredAudio(None, f"{number:064x}", 1, "audio/wav", "a.wav")
                metadata = Metadata(tags=(*kinds[kind], "music"))
                track = tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, metadata, audio))
                parts = [np.eye(8)[kind] + rng.normal(scale=0.05, size=8), rng.normal(size=4)]
                vector = np.concatenate([part / np.linalg.norm(part) for part in parts]).astype(np.float32)
                embedding = Embedding(self.encoder.id, vector, np.array([[0, 1]], np.float32), vector[None])
                tx.catalogue.save_embedding(track.id, embedding)

    def ask(self, weights=None, **values):
        with self.database.transaction() as tx:
            asked = tx.maps.ask(DEFAULT_LIBRARY, MapRequest.of(self.encoder, weights), self.encoder.id)
            job = Job(new_id(), DEFAULT_LIBRARY, JobKind.MAP, asked.id, Priority.MAP, **values)
            tx.queue.enqueue(job)
            [claimed] = tx.queue.claim(self.worker_id, limit=1, deadline=MINUTE)
        return claimed

    def draw(self, job, database=None, **options):
        MapJobs(database or self.database, **options)(job, Watch(job.token, self.told.append))

    def drawing(self, job):
        with self.database.transaction(read_only=True) as tx:
            return tx.maps.drawing(job.subject)

    def state(self, job):
        with self.database.transaction(read_only=True) as tx:
            return tx.queue.job(DEFAULT_LIBRARY, job.id).state


@pytest.fixture
def desk():
    return Desk()


def test_a_map_shows_every_track_and_says_the_planted_kinds(desk):
    desk.fill()
    job = desk.ask({"genre": 1.0})
    desk.draw(job)
    drawn = desk.drawing(job)
    assert desk.state(job) is JobState.DONE
    assert drawn.numbers.tolist() == list(range(1, 61))
    assert drawn.positions.shape == (60, 2)
    kinds = (drawn.numbers - 1) % 3
    assert all(len(set(drawn.clusters[kinds == kind].tolist())) == 1 for kind in range(3))
    names = {cluster.name for cluster in drawn.clustering.clusters}
    assert names == {"calm · piano", "drums · loud", "voice · loud"}
    assert [cluster.tracks for cluster in drawn.clustering.clusters] == [20, 20, 20]
    for cluster in drawn.clustering.clusters:
        inside = drawn.positions[drawn.clusters == cluster.number]
        assert np.allclose(np.median(inside, axis=0), [cluster.x, cluster.y])


def test_weights_say_what_the_map_is_of(desk):
    desk.fill()
    jobs = []
    for space in ("genre", "key"):
        jobs.append(desk.ask({space: 1.0}))
        desk.draw(jobs[-1])
    silhouettes = [
        max(score.silhouette for score in desk.drawing(job).clustering.scores if score.k == 3) for job in jobs
    ]
    assert silhouettes[0] > 0.8
    assert silhouettes[1] < 0.6


def test_spaces_count_as_a_search_would_weigh_them(desk):
    desk.fill()
    deviations = {"genre": 0.5, "key": 0.05}
    with desk.database.transaction() as tx:
        means = dict.fromkeys(deviations, 0.0)
        tx.catalogue.save_calibration(Calibration(DEFAULT_LIBRARY, desk.encoder.id, means, deviations, 60))
    material = MapJobs(desk.database)._gather(desk.ask())
    similarities = material.vectors @ material.vectors.T
    with desk.database.transaction() as tx:
        [(_, vectors)] = tx.catalogue.all_vectors(DEFAULT_LIBRARY, desk.encoder.id)
    genre, key = vectors[:, :8], vectors[:, 8:]
    expected = (genre @ genre.T / 0.5 + key @ key.T / 0.05) / (1 / 0.5 + 1 / 0.05)
    assert np.allclose(similarities, expected, atol=1e-5)


def test_the_stages_are_told_in_their_order(desk):
    desk.fill()
    desk.draw(desk.ask())
    stages = list(dict.fromkeys(told.stage for told in desk.told))
    assert stages == ["vectors", "neighbours", "layout", "clusters", "store"]
    fractions = [told.fraction for told in desk.told]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_tracks_have_a_map_too(desk, count):
    desk.fill(each=count, kinds=KINDS[:1])
    job = desk.ask()
    desk.draw(job)
    drawn = desk.drawing(job)
    assert len(drawn.numbers) == count
    assert [(cluster.name, cluster.tracks) for cluster in drawn.clustering.clusters] == [("All tracks", count)]


def test_an_empty_library_has_nothing_to_draw_and_no_second_try_helps(desk):
    with pytest.raises(NotEmbedded, match="upload tracks") as raised:
        desk.draw(desk.ask())
    assert not failure_of(raised.value).retry


def test_a_map_by_spaces_that_the_present_encoder_lacks_is_refused_with_advice(desk):
    desk.fill(each=1)
    job = desk.ask({"key": 1.0})
    with desk.database.transaction() as tx:
        newer = tx.catalogue.announce_encoder(EncoderInfo(new_id(), "ears", "2", "1" * 64, (Space("genre", 8),)))
        tx.catalogue.promote_encoder(newer.id, default=True)
    with pytest.raises(Conflict, match="lacks all spaces that the map weighs: key"):
        desk.draw(job)


def test_of_a_larger_catalogue_the_same_tracks_are_shown_each_time(desk):
    desk.fill()
    drawn = []
    for _ in range(2):
        job = desk.ask({"genre": 1.0})
        desk.draw(job, most_tracks=40)
        drawn.append(desk.drawing(job))
    assert (len(drawn[0].numbers), drawn[0].left_out) == (40, 20)
    assert np.array_equal(drawn[0].numbers, drawn[1].numbers)
    assert np.array_equal(drawn[0].positions, drawn[1].positions)


def test_a_job_that_nobody_waits_for_stops_and_stores_nothing(desk):
    desk.fill()
    job = desk.ask()
    told = []

    def drop_in_the_middle(reached):
        told.append(reached.stage)
        if reached.stage == "layout":
            watch.drop()

    watch = Watch(job.token, drop_in_the_middle)
    with pytest.raises(JobDropped):
        MapJobs(desk.database)(job, watch)
    assert told.count("layout") == 1
    assert desk.drawing(job) is None


def test_a_map_of_somebody_elses_job_is_not_stored(desk):
    desk.fill()
    job = desk.ask()
    with desk.database.transaction() as tx:
        tx.queue.cancel(DEFAULT_LIBRARY, job.id)
    with pytest.raises(LeaseLost):
        desk.draw(job)
    assert desk.drawing(job) is None


def test_a_map_that_was_removed_meanwhile_is_not_drawn(desk):
    desk.fill()
    job = desk.ask()
    with desk.database.transaction() as tx:
        tx.maps.forget(job.subject)
    with pytest.raises(NotFound):
        desk.draw(job)


def test_a_commit_whose_answer_was_lost_is_not_done_twice(desk):
    desk.fill()
    job, losses = desk.ask(), [1]

    class Unconfirmed:
        @contextmanager
        def transaction(self, *, read_only=False):
            with desk.database.transaction(read_only=read_only) as tx:
                yield tx
            if not read_only and losses:
                losses.pop()
                raise DatabaseUnavailable("The commit went through, but the answer is lost.")

    desk.draw(job, Unconfirmed())
    assert desk.state(job) is JobState.DONE
    assert desk.drawing(job) is not None


def test_a_short_deadline_makes_a_coarser_map_in_time(desk):
    desk.fill()
    job = desk.ask()
    hurried = Job(
        **{name: getattr(job, name) for name in job.__slots__} | {"deadline": job.started_at + timedelta(seconds=0)}
    )
    desk.draw(hurried)
    assert len(desk.drawing(job).clustering.scores) == 1
    assert sum(told.stage == "layout" for told in desk.told) == 1


def test_each_kind_of_job_goes_to_its_part():
    done = []
    dispatch = Dispatch(
        embed=lambda job, _: done.append(("embed", job)), draw=lambda job, _: done.append(("draw", job))
    )
    jobs = [Job(new_id(), DEFAULT_LIBRARY, kind, new_id(), 5) for kind in JobKind]
    for job in jobs:
        dispatch(job, Watch("token", lambda _: None))
    assert done == [("draw" if job.kind is JobKind.MAP else "embed", job) for job in jobs]
