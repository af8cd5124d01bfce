"""What every catalogue does with tracks and clips."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from app.domain import (
    DEFAULT_LIBRARY,
    Job,
    JobKind,
    JobState,
    Library,
    Metadata,
    Priority,
    TrackKind,
    TrackState,
    new_id,
    utc_now,
)
from app.errors import Conflict, InvalidRequest, NotEmbedded, NotFound
from app.filters import OneOf


def test_a_track_comes_back_as_it_was_stored(database, make):
    metadata = Metadata(
        "Título", "Ärtist", "Album", "ext-1", "CC0", ("Piano", "lo-fi"), {"year": 1999, "x": [1.5, None]}
    )
    track = make.track(metadata=metadata, analysis=make.analysis(), keep_audio=False)
    with database.transaction() as tx:
        stored = tx.catalogue.add_track(track)
    with database.transaction(read_only=True) as tx:
        assert tx.catalogue.track(DEFAULT_LIBRARY, track.id) == stored
    assert stored == replace(track, number=stored.number)
    assert stored.number > 0


def test_times_come_back_in_utc(catalogue, make):
    stored = catalogue.add_track(make.track(created_at=utc_now()))
    assert stored.created_at.utcoffset() == timedelta(0)


def test_numbers_grow_and_are_never_given_twice(database, make):
    with database.transaction() as tx:
        first, second = (tx.catalogue.add_track(make.track()) for _ in range(2))
        tx.catalogue.delete_track(DEFAULT_LIBRARY, second.id)
    with database.transaction() as tx:
        third = tx.catalogue.add_track(make.track())
    assert first.number < second.number < third.number


def test_the_same_bytes_are_a_conflict_and_the_transaction_goes_on(database, make):
    with database.transaction() as tx:
        first = tx.catalogue.add_track(make.track(sha256="f" * 64))
        with pytest.raises(Conflict, match="f" * 64):
            tx.catalogue.add_track(make.track(sha256="f" * 64))
        other = tx.catalogue.add_track(make.track())
    with database.transaction() as tx:
        assert tx.catalogue.track_by_sha256(DEFAULT_LIBRARY, "f" * 64) == first
        assert tx.catalogue.track(DEFAULT_LIBRARY, other.id) == other


def test_clips_may_share_bytes_with_tracks_and_with_each_other(catalogue, make):
    for _ in range(2):
        catalogue.add_track(make.track(sha256="c" * 64, kind=TrackKind.CLIP))
    assert catalogue.track_by_sha256(DEFAULT_LIBRARY, "c" * 64) is None
    track = catalogue.add_track(make.track(sha256="c" * 64))
    assert catalogue.track_by_sha256(DEFAULT_LIBRARY, "c" * 64) == track


def test_another_library_sees_none_of_it(catalogue, make):
    other = Library(new_id(), "other")
    catalogue.add_library(other)
    mine = catalogue.add_track(make.track(sha256="d" * 64))
    theirs = catalogue.add_track(make.track(sha256="d" * 64, library_id=other.id))
    with pytest.raises(NotFound):
        catalogue.track(DEFAULT_LIBRARY, theirs.id)
    with pytest.raises(NotFound):
        catalogue.delete_track(DEFAULT_LIBRARY, theirs.id)
    with pytest.raises(NotFound):
        catalogue.update_metadata(DEFAULT_LIBRARY, theirs.id, Metadata())
    assert catalogue.tracks_by_number(DEFAULT_LIBRARY, [mine.number, theirs.number]) == {mine.number: mine}
    assert catalogue.list_tracks(DEFAULT_LIBRARY).items == [mine]


def test_a_track_of_an_unknown_library_is_a_conflict(database, make):
    with pytest.raises(Conflict), database.transaction() as tx:
        tx.catalogue.add_track(make.track(library_id=new_id()))


@pytest.mark.parametrize(
    "garbage",
    ["", "x", "1", "\0", "\ud800", "{}", "../etc", pytest.param(new_id().upper(), id="ANOTHER"), "é" * 1000],
)
def test_text_that_is_no_id_names_nothing(catalogue, garbage):
    with pytest.raises(NotFound):
        catalogue.track(DEFAULT_LIBRARY, garbage)
    with pytest.raises(NotFound):
        catalogue.set_state(garbage, TrackState.READY)
    with pytest.raises(NotFound):
        catalogue.delete_track(DEFAULT_LIBRARY, garbage)
    with pytest.raises(NotEmbedded):
        catalogue.embedding(garbage, garbage)


def test_empty_text_is_unknown(catalogue, make):
    stored = catalogue.add_track(make.track(metadata=Metadata("", "", "", "", "", ("", "a"))))
    assert stored.metadata == Metadata(tags=("a",))


def test_characters_that_a_database_cannot_hold_are_mended(catalogue, make):
    metadata = Metadata("a\0b", "half \ud83d", tags=("\0", "x\0"), extra={"k\0": "v\ud800", "ok": "🎵"})
    stored = catalogue.add_track(make.track(metadata=metadata))
    assert stored.metadata == Metadata("ab", "half �", tags=("x",), extra={"k": "v�", "ok": "🎵"})
    assert catalogue.track(DEFAULT_LIBRARY, stored.id) == stored


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), b"x"])
def test_extra_that_json_has_no_form_for_is_refused_with_its_place(catalogue, make, value):
    with pytest.raises(InvalidRequest) as refused:
        catalogue.add_track(make.track(metadata=Metadata(extra={"a": [1, {"b": value}]})))
    assert [fault.place for fault in refused.value.faults] == ["extra.a[1].b"]


def test_extra_nested_without_end_is_refused(catalogue, make):
    nested = {}
    for _ in range(5000):
        nested = {"deeper": nested}
    with pytest.raises(InvalidRequest, match="nested"):
        catalogue.add_track(make.track(metadata=Metadata(extra=nested)))


def test_a_measurement_that_is_not_finite_is_refused(catalogue, make):
    stored = catalogue.add_track(make.track())
    with pytest.raises(ValueError, match="loudness_lufs"):
        catalogue.save_analysis(stored.id, make.analysis(loudness_lufs=float("-inf")))


def test_an_analysis_is_stored_and_replaced(catalogue, make):
    stored = catalogue.add_track(make.track())
    assert stored.analysis is None
    catalogue.save_analysis(stored.id, make.analysis())
    silence = make.analysis(loudness_lufs=None, tempo_bpm=None, key=None, decode_warnings=())
    catalogue.save_analysis(stored.id, silence)
    assert catalogue.track(DEFAULT_LIBRARY, stored.id).analysis == silence


def test_changes_of_a_track_are_seen_and_dated(catalogue, make):
    stored = catalogue.add_track(make.track("old"))
    catalogue.set_state(stored.id, TrackState.READY)
    catalogue.set_audio_key(stored.id, None)
    changed = catalogue.update_metadata(DEFAULT_LIBRARY, stored.id, Metadata("new", extra={"a": 1}))
    assert changed == catalogue.track(DEFAULT_LIBRARY, stored.id)
    assert (changed.state, changed.audio.key) == (TrackState.READY, None)
    assert changed.metadata == Metadata("new", extra={"a": 1})
    assert changed.updated_at > stored.updated_at


def test_changing_what_is_gone_says_so(catalogue, make):
    gone = new_id()
    with pytest.raises(NotFound):
        catalogue.set_state(gone, TrackState.FAILED)
    with pytest.raises(NotFound):
        catalogue.set_audio_key(gone, "key")
    with pytest.raises(NotFound):
        catalogue.save_analysis(gone, make.analysis())


def test_deleting_a_track_removes_all_that_hangs_on_it(database, make):
    encoder = make.encoder()
    with database.transaction() as tx:
        stored, kept = (tx.catalogue.add_track(make.track()) for _ in range(2))
        tx.catalogue.announce_encoder(encoder)
        jobs = [tx.queue.enqueue(job_for(track)) for track in (stored, kept)]
        for track in (stored, kept):
            tx.catalogue.save_embedding(track.id, make.embedding(encoder))
    with database.transaction() as tx:
        assert tx.catalogue.delete_track(DEFAULT_LIBRARY, stored.id) == stored
    with database.transaction() as tx:
        with pytest.raises(NotFound):
            tx.catalogue.track(DEFAULT_LIBRARY, stored.id)
        with pytest.raises(NotFound):
            tx.queue.job(DEFAULT_LIBRARY, jobs[0].id)
        with pytest.raises(NotEmbedded):
            tx.catalogue.embedding(stored.id, encoder.id)
        assert tx.catalogue.count_embedded(DEFAULT_LIBRARY, encoder.id) == 1
        assert tx.queue.job(DEFAULT_LIBRARY, jobs[1].id).subject == kept.id


def test_the_bytes_of_a_deleted_track_may_come_again(catalogue, make):
    first = catalogue.add_track(make.track(sha256="e" * 64))
    catalogue.delete_track(DEFAULT_LIBRARY, first.id)
    assert catalogue.add_track(make.track(sha256="e" * 64)).number > first.number


def test_expired_clips_come_oldest_first(catalogue, make):
    now = utc_now()
    clips = [make.track(kind=TrackKind.CLIP, expires_at=now + timedelta(seconds=s)) for s in (-1, -3, 0, 5)]
    for track in (*clips, make.track(kind=TrackKind.CLIP), make.track()):
        catalogue.add_track(track)
    expected = [clips[1].id, clips[0].id, clips[2].id]
    assert [clip.id for clip in catalogue.expired_clips(now)] == expected
    assert [clip.id for clip in catalogue.expired_clips(now, limit=1)] == expected[:1]


def test_tracks_are_counted_by_state_without_clips(catalogue, make):
    for state in (TrackState.READY, TrackState.READY, TrackState.FAILED):
        catalogue.add_track(make.track(state=state))
    catalogue.add_track(make.track(kind=TrackKind.CLIP))
    counts = catalogue.count_tracks(DEFAULT_LIBRARY)
    assert counts == {TrackState.PENDING: 0, TrackState.READY: 2, TrackState.FAILED: 1}


def test_many_numbers_are_looked_up_at_once(catalogue, make):
    stored = [catalogue.add_track(make.track()) for _ in range(5)]
    wanted = [0, -1, 10**12, *range(3000), *(track.number for track in stored)]
    found = catalogue.tracks_by_number(DEFAULT_LIBRARY, np.array(wanted))
    assert {track.number: track for track in stored}.items() <= found.items()
    assert catalogue.tracks_by_number(DEFAULT_LIBRARY, []) == {}


def test_artists_are_looked_up_as_people_wrote_them_of_the_tracks_that_are_there(catalogue, make):
    other = Library(new_id(), "other")
    catalogue.add_library(other)
    loud, nameless, gone = (
        catalogue.add_track(make.track(metadata=Metadata(artist=artist))) for artist in (" ÄDA", None, "Bob")
    )
    theirs = catalogue.add_track(make.track(library_id=other.id, metadata=Metadata(artist="Eve")))
    catalogue.delete_track(DEFAULT_LIBRARY, gone.id)
    wanted = [loud.number, nameless.number, gone.number, theirs.number, 0, *range(10**6, 10**6 + 3000)]
    found = catalogue.artists_by_number(DEFAULT_LIBRARY, wanted)
    assert found == {loud.number: loud.metadata.artist, nameless.number: None}
    assert catalogue.artists_by_number(DEFAULT_LIBRARY, []) == {}


def job_for(track, state=JobState.QUEUED):
    return Job(new_id(), track.library_id, JobKind.EMBED_TRACK, track.id, Priority.UPLOAD, state=state)


def test_a_track_lacks_vectors_until_every_encoder_has_made_them(database, make):
    encoders = [make.encoder(), make.encoder("other")]
    with database.transaction() as tx:
        for encoder in encoders:
            tx.catalogue.announce_encoder(encoder)
        bare, half, whole = (tx.catalogue.add_track(make.track()) for _ in range(3))
        for track, made in ((half, encoders[:1]), (whole, encoders)):
            for encoder in made:
                tx.catalogue.save_embedding(track.id, make.embedding(encoder))
    ids = [encoder.id for encoder in encoders]
    with database.transaction(read_only=True) as tx:
        assert tx.catalogue.tracks_without_vectors(ids) == [bare, half]
        assert tx.catalogue.tracks_without_vectors(ids, limit=1) == [bare]
        assert tx.catalogue.tracks_without_vectors(ids[:1]) == [bare]
        assert tx.catalogue.tracks_without_vectors([]) == []


def test_what_cannot_or_need_not_be_embedded_does_not_lack_vectors(database, make):
    encoder = make.encoder()
    with database.transaction() as tx:
        tx.catalogue.announce_encoder(encoder)
        failed, silent, queued, cancelled, lacking = (tx.catalogue.add_track(make.track()) for _ in range(5))
        tx.catalogue.add_track(make.track(kind=TrackKind.CLIP))
        tx.catalogue.set_state(failed.id, TrackState.FAILED)
        tx.catalogue.set_audio_key(silent.id, None)
        tx.queue.enqueue(job_for(queued))
        ended = tx.queue.enqueue(job_for(cancelled))
    with database.transaction() as tx:
        tx.queue.cancel(DEFAULT_LIBRARY, ended.id)
    with database.transaction() as tx:
        found = tx.catalogue.tracks_without_vectors([encoder.id])
    assert [track.id for track in found] == [lacking.id]


def test_allowed_numbers_can_be_asked_of_some_tracks_only(catalogue, make):
    numbers = [catalogue.add_track(make.track(title=title)).number for title in "abab"]
    among = [numbers[3], numbers[1], numbers[0], 10_000]
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("title", ["b"]), among).tolist() == [
        numbers[1],
        numbers[3],
    ]
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("title", ["b"]), []).tolist() == []
    many = range(1, 40_000)
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("title", ["a"]), many).tolist() == [
        numbers[0],
        numbers[2],
    ]


def test_allowed_numbers_ascend_and_leave_clips_out(catalogue, make):
    stored = [catalogue.add_track(make.track(title)) for title in ("b", "a", "b")]
    catalogue.add_track(make.track("b", kind=TrackKind.CLIP))
    allowed = catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("title", ["B"]))
    assert allowed.dtype == np.int64
    assert allowed.tolist() == [stored[0].number, stored[2].number]
    assert catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("title", [])).tolist() == []
