"""One job: from the bytes of a track to its vectors, all of it stored or nothing."""

from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from app.adapters.memory_audio_store import MemoryAudioStore
from app.adapters.memory_database import MemoryDatabase
from app.component_meaning import ComponentMeaning
from app.domain import (
    DEFAULT_LIBRARY,
    ChangeKind,
    Job,
    JobKind,
    JobState,
    Metadata,
    StoredAudio,
    Track,
    TrackKind,
    TrackState,
    WorkerInfo,
    new_id,
    utc_now,
)
from app.errors import DatabaseUnavailable, LeaseLost, NotEmbedded, NotFound
from app.filters import OneOf
from app.track_tags import all_tags
from models import component_meaning as heard
from models.audio import DecodedAudio
from models.encoder import EncoderManifest, Prepared, Space, TrackEmbedding
from models.errors import AudioUnreadable, WaveformTooShort
from models.tag_directions import TagDirections
from workers.batcher import Batcher
from workers.embed import EmbedJobs, to_encoder_info
from workers.failures import failure_of
from workers.watch import JobDropped, Watch

MINUTE = timedelta(minutes=1)
SOUND = np.array([3.0, 4.0], np.float32).tobytes()


class Halves:
    """An encoder of two numbers: the means of the two halves of the waveform, as directions."""

    def __init__(self, name="halves", rate_hz=22_050, tags=None, components=None, certainty=None):
        self.manifest = EncoderManifest(name, "1", (name * 64)[:64], (Space("all", 2, "both halves"),), rate_hz)
        self.device = torch.device("cpu")
        self.tags = tags or {}
        self.components = components or {}
        self.certainty = certainty

    def prepare(self, waveform):
        if len(waveform) < 2:
            raise WaveformTooShort(f"{len(waveform)} samples came; 2 are needed.")
        halves = [half.mean() for half in np.array_split(waveform, 2)]
        return Prepared(torch.tensor([halves]), np.array([[0.0, 1.0]], np.float32))

    def encode(self, inputs):
        return torch.nn.functional.normalize(inputs, dim=1)

    def pool(self, prepared, outputs):
        return TrackEmbedding(outputs[0].numpy(), prepared.spans_s, outputs.numpy(), self.certainty)


class Desk:
    """A database and a store with one job that a worker has claimed."""

    def __init__(self):
        self.database, self.store = MemoryDatabase(), MemoryAudioStore()
        self.worker = WorkerInfo(new_id(), "host", "cpu", utc_now(), alive=True)
        with self.database.transaction() as tx:
            tx.queue.register(self.worker, MINUTE)
        self.batcher = Batcher()
        self.rates = []

    def embed(self, *encoders):
        with self.database.transaction() as tx:
            known = {tx.catalogue.announce_encoder(to_encoder_info(one)).id: one for one in encoders}
        return EmbedJobs(self.database, self.store, known, self.batcher, self.decode, self.analyse)

    def decode(self, file, rate_hz):
        self.rates.append(rate_hz)
        data = file.read()
        if data == b"text":
            raise AudioUnreadable("This is a text.")
        return DecodedAudio(np.frombuffer(data, np.float32), 1.0, 44_100, 2, "flac", -14.0, ("a note",))

    def analyse(self, _waveform):
        return SimpleNamespace(tempo_bpm=120.0, tempo_confidence=0.9, key="A minor", key_confidence=0.8)

    def add(self, data=SOUND, kind=TrackKind.TRACK, *, keep_audio=True):
        key = new_id()
        with self.store.create() as writer:
            writer.write(data)
            writer.commit(key)
        track = Track(
            new_id(),
            DEFAULT_LIBRARY,
            kind,
            Metadata(),
            StoredAudio(key, key.replace("-", "") * 2, len(data), "audio/flac", "a.flac"),
            keep_audio=keep_audio,
            expires_at=None if kind is TrackKind.TRACK else utc_now() + MINUTE,
        )
        with self.database.transaction() as tx:
            track = tx.catalogue.add_track(track)
        return track, self.claim(track)

    def claim(self, track):
        with self.database.transaction() as tx:
            tx.queue.enqueue(Job(new_id(), DEFAULT_LIBRARY, JobKind.EMBED_TRACK, track.id, 5))
        with self.database.transaction() as tx:
            [job] = tx.queue.claim(self.worker.id, limit=1, deadline=MINUTE)
        return job

    def track(self, track):
        with self.database.transaction() as tx:
            return tx.catalogue.track(DEFAULT_LIBRARY, track.id)

    def state(self, job):
        with self.database.transaction() as tx:
            return tx.queue.job(DEFAULT_LIBRARY, job.id).state

    def vector(self, track, encoder_id):
        with self.database.transaction() as tx:
            return tx.catalogue.embedding(track.id, encoder_id).vector

    def effects(self):
        with self.database.transaction() as tx:
            return [one.number for one in tx.changes.after(0) if one.kind is ChangeKind.TRACK_EMBEDDED]


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.batcher.close()


@pytest.fixture
def told():
    return []


def watch(told=None):
    return Watch("token", (told if told is not None else []).append)


def test_a_job_stores_analysis_vectors_and_change_and_ends(desk, told):
    embed = desk.embed(Halves())
    track, job = desk.add()
    embed(job, watch(told))
    stored = desk.track(track)
    assert stored.state is TrackState.READY
    assert (stored.analysis.tempo_bpm, stored.analysis.key, stored.analysis.codec) == (120.0, "A minor", "flac")
    assert stored.analysis.decode_warnings == ("a note",)
    np.testing.assert_allclose(desk.vector(track, next(iter(embed.encoders))), [0.6, 0.8], rtol=1e-6)
    assert desk.effects() == [track.number]
    assert desk.state(job) is JobState.DONE
    assert [one.stage for one in told] == ["decode", "analyse", "features", "embed", "store"]
    assert [one.fraction for one in told] == sorted(one.fraction for one in told)


def test_each_stage_is_timed_and_each_batch_counted(desk):
    embed = desk.embed(Halves())
    _, job = desk.add()
    following = watch()
    embed(job, following)
    following.end()
    tallies = {tally.name: tally.count for tally in following.tallies()}
    stages = ("decode", "analyse", "features", "embed", "store")
    assert tallies == {**{f"stage:{stage}": 1 for stage in stages}, "batch:halves": 1}


def test_each_sample_rate_is_decoded_once(desk):
    embed = desk.embed(Halves("a"), Halves("b"), Halves("c", 16_000))
    _, job = desk.add()
    embed(job, watch())
    assert sorted(desk.rates) == [16_000, 22_050]


def test_a_job_whose_lease_was_lost_stores_nothing(desk):
    embed = desk.embed(Halves())
    track, job = desk.add()
    with desk.database.transaction() as tx:
        tx.queue.cancel(DEFAULT_LIBRARY, job.id)
    with pytest.raises(LeaseLost):
        embed(job, watch())
    assert desk.track(track).state is TrackState.PENDING
    assert desk.track(track).analysis is None
    with pytest.raises(NotEmbedded):
        desk.vector(track, next(iter(embed.encoders)))
    assert desk.effects() == []


def test_a_job_that_nobody_waits_for_stops_at_the_next_stage(desk):
    embed = desk.embed(Halves())
    _, job = desk.add()
    following = watch()
    following.drop()
    with pytest.raises(JobDropped):
        embed(job, following)
    assert desk.rates == []


def test_only_the_encoders_that_are_missing_run(desk):
    track, job = desk.add()
    first = desk.embed(Halves("a"))
    first(job, watch())
    both = desk.embed(Halves("a"), Halves("b", 16_000))
    before = desk.vector(track, next(iter(first.encoders)))
    both(desk.claim(track), watch())
    assert desk.effects() == [track.number] * 2
    for encoder_id in both.encoders:
        np.testing.assert_allclose(desk.vector(track, encoder_id), before)


def test_a_job_with_nothing_left_to_do_just_ends(desk):
    embed = desk.embed(Halves())
    track, job = desk.add()
    embed(job, watch())
    again = desk.claim(track)
    embed(again, watch())
    assert desk.state(again) is JobState.DONE
    assert desk.effects() == [track.number]
    assert len(desk.rates) == 1


def test_the_audio_of_a_clip_that_is_not_kept_is_deleted_after_its_vectors_are_stored(desk):
    embed = desk.embed(Halves())
    clip, job = desk.add(kind=TrackKind.CLIP, keep_audio=False)
    embed(job, watch())
    assert desk.track(clip).audio.key is None
    with pytest.raises(NotFound):
        desk.store.open(clip.audio.key)


class Unconfirmed(MemoryDatabase):
    """Loses the answer to the commit of a result, once, and then has the job dropped as the next beat does."""

    following = None

    @contextmanager
    def transaction(self, *, read_only=False):
        with super().transaction(read_only=read_only) as tx:
            yield tx
        if self.following is not None and any(one.kind is ChangeKind.TRACK_EMBEDDED for one in self._state.changes):
            self.following.drop()
            self.following = None
            raise DatabaseUnavailable("The commit went through, but the answer is lost.")


def test_a_job_whose_commit_was_not_confirmed_is_done_with_all_that_follows(desk):
    desk.database.__class__ = Unconfirmed
    embed = desk.embed(Halves())
    clip, job = desk.add(kind=TrackKind.CLIP, keep_audio=False)
    following = desk.database.following = watch()
    embed(job, following)
    assert desk.state(job) is JobState.DONE
    assert desk.effects() == [clip.number]
    assert desk.track(clip).audio.key is None


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [(b"text", "audio_unreadable", "This is a text."), (bytes(4), "waveform_too_short", "1 samples came")],
)
def test_audio_that_cannot_be_used_is_buried_with_its_reason(desk, data, code, message):
    embed = desk.embed(Halves())
    _, job = desk.add(data)
    with pytest.raises((AudioUnreadable, WaveformTooShort)) as caught:
        embed(job, watch())
    failure = failure_of(caught.value)
    assert (failure.code, failure.retry) == (code, False)
    assert message in failure.message


def test_audio_that_was_deleted_is_not_waited_for(desk):
    embed = desk.embed(Halves())
    track, job = desk.add()
    with desk.database.transaction() as tx:
        tx.catalogue.set_audio_key(track.id, None)
    with pytest.raises(NotFound, match="upload it again") as caught:
        embed(job, watch())
    assert not failure_of(caught.value).retry


def test_the_catalogue_is_told_where_the_tags_of_an_encoder_point():
    tags = TagDirections(("calm",), np.array([[0.6, 0.8]], np.float32), np.float32([2]), np.float32([-1]))
    told = to_encoder_info(Halves(tags={"all": tags})).tags["all"]
    assert (told.names, told.directions is tags.directions) == (("calm",), True)
    assert (told.scale, told.offset) == (2, -1)


def test_the_catalogue_is_told_what_the_components_of_an_encoder_mean():
    meanings = (heard.ComponentMeaning(0.75, (("calm", 2.5),)), heard.ComponentMeaning(0.25, ()))
    told = to_encoder_info(Halves(components={"all": meanings})).components
    assert told == {"all": (ComponentMeaning(0.75, (("calm", 2.5),)), ComponentMeaning(0.25, ()))}


def test_an_analysis_says_how_sure_each_encoder_is_that_can_tell(desk):
    sure = Halves("sure", certainty=0.75)
    embed = desk.embed(sure, Halves("mute"))
    track, job = desk.add()
    embed(job, watch())
    assert desk.track(track).analysis.certainty == {"sure": 0.75}


def test_an_encoder_that_comes_later_adds_how_sure_it_is(desk):
    track, job = desk.add()
    desk.embed(Halves("first", certainty=0.75))(job, watch())
    later = desk.embed(Halves("first", certainty=0.75), Halves("second", certainty=0.5))
    later(desk.claim(track), watch())
    assert desk.track(track).analysis.certainty == {"first": 0.75, "second": 0.5}


def hearing(*names, rows):
    """Tags of the two numbers of ``Halves``, sure or unsure as their product with the row says."""
    ones, zeros = np.ones(len(names), np.float32), np.zeros(len(names), np.float32)
    return {"all": TagDirections(names, np.float32(rows), 5 * ones, zeros)}


@pytest.mark.parametrize("kind", TrackKind)
def test_the_picture_of_the_sound_is_stored(desk, kind):
    track, job = desk.add(np.float32([0.5] * 1600 + [-1.0] * 1600).tobytes(), kind)
    desk.embed(Halves())(job, watch())
    with desk.database.transaction() as tx:
        assert tx.catalogue.waveform(track.id) == bytes([128] * 400 + [255] * 400)


def test_a_job_that_stores_nothing_leaves_no_picture(desk):
    track, job = desk.add()
    with desk.database.transaction() as tx:
        tx.queue.cancel(DEFAULT_LIBRARY, job.id)
    with pytest.raises(LeaseLost):
        desk.embed(Halves())(job, watch())
    with pytest.raises(NotFound), desk.database.transaction() as tx:
        tx.catalogue.waveform(track.id)


def test_tags_that_are_likelier_than_not_are_kept_with_the_track(desk):
    track, job = desk.add()
    desk.embed(Halves(tags=hearing("right", "left", "rest", rows=[[0, 1], [1, 0], [0, -1]])))(job, watch())
    expected = {"right": 1 / (1 + np.exp(-5 * 0.8)), "left": 1 / (1 + np.exp(-5 * 0.6))}
    assert desk.track(track).heard == pytest.approx(expected, abs=1e-4)
    with desk.database.transaction() as tx:
        assert tx.catalogue.unheard() == []
        assert tx.catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("all_tags", ["Right"])).tolist() == [
            track.number
        ]


def test_an_encoder_that_comes_later_adds_what_it_hears(desk):
    track, job = desk.add()
    first = Halves("a", tags=hearing("right", "left", rows=[[0, 1], [1, 0]]))
    desk.embed(first)(job, watch())
    second = Halves("b", tags=hearing("left", "other", rows=[[0, 1], [1, 0]]))
    desk.embed(first, second)(desk.claim(track), watch())
    heard = desk.track(track).heard
    assert heard.keys() == {"right", "left", "other"}
    assert heard["left"] == heard["right"] > heard["other"], "the surest counts"


def test_what_people_said_meanwhile_stays(desk):
    track, job = desk.add()
    embed = desk.embed(Halves(tags=hearing("right", "left", rows=[[0, 1], [1, 0]])))
    with desk.database.transaction() as tx:
        tx.catalogue.update_metadata(DEFAULT_LIBRARY, track.id, Metadata(tags=("mine",), denied_tags=("left",)))
    embed(job, watch())
    found = desk.track(track)
    assert [each.tag for each in all_tags(found.metadata, found.heard)] == ["mine", "right"]


def test_a_clip_is_not_listened_to_for_tags(desk):
    track, job = desk.add(kind=TrackKind.CLIP)
    desk.embed(Halves(tags=hearing("right", rows=[[0, 1]])))(job, watch())
    assert desk.track(track).heard == {}


def test_a_fault_in_the_code_is_tried_again_and_named():
    failure = failure_of(ZeroDivisionError("division by zero"))
    assert (failure.code, failure.message, failure.retry) == (
        "internal",
        "ZeroDivisionError: division by zero",
        True,
    )
