"""What every catalogue does with encoders, vectors and calibrations."""

from dataclasses import replace

import numpy as np
import pytest

from app.domain import DEFAULT_LIBRARY, Calibration, EncoderState, Library, TrackKind, new_id, utc_now
from app.errors import NotEmbedded, NotFound


def states(catalogue):
    return {encoder.digest[0]: (encoder.state.value, encoder.is_default) for encoder in catalogue.encoders()}


def test_an_encoder_comes_back_as_it_was_announced(database, make):
    encoder = make.encoder()
    with database.transaction() as tx:
        announced = tx.catalogue.announce_encoder(encoder)
    assert announced == replace(encoder, state=EncoderState.READY, is_default=True)
    with database.transaction(read_only=True) as tx:
        assert tx.catalogue.encoders() == [announced]


def test_the_same_artifact_announced_again_is_the_same_encoder(catalogue, make):
    first = catalogue.announce_encoder(make.encoder())
    assert catalogue.announce_encoder(make.encoder()) == first
    assert catalogue.encoders() == [first]


def test_tags_come_back_with_their_directions_to_the_last_bit(catalogue, make):
    announced = catalogue.announce_encoder(make.encoder())
    [tags] = {encoder.tags["timbre"] for encoder in (announced, *catalogue.encoders())}
    assert tags.names == ("bright", "dark")
    assert tags.directions.tolist() == [[1, 0, 0], [0, 1, 0]]
    np.testing.assert_array_equal(tags.scale, np.array([1, 2], np.float32) / 3)
    assert {array.dtype for array in (tags.directions, tags.scale, tags.offset)} == {np.dtype(np.float32)}


def test_an_encoder_that_knows_no_tags_has_none(catalogue, make):
    assert catalogue.announce_encoder(make.encoder(tags={})).tags == {}
    assert [encoder.tags for encoder in catalogue.encoders()] == [{}]


def test_directions_that_the_catalogue_lacks_come_with_the_next_announcement(catalogue, make):
    bare = catalogue.announce_encoder(make.encoder(tags={"timbre": make.tags("bright", "dark")}))
    complete = catalogue.announce_encoder(make.encoder())
    assert complete == replace(bare, tags=make.encoder().tags)
    assert catalogue.encoders() == [complete]


def test_meanings_of_components_that_the_catalogue_lacks_come_with_the_next_announcement(catalogue, make):
    bare = catalogue.announce_encoder(make.encoder(components={}))
    assert bare.components == {}
    complete = catalogue.announce_encoder(make.encoder())
    assert complete == replace(bare, components=make.encoder().components)
    assert catalogue.encoders() == [complete]


def test_a_new_artifact_is_a_shadow_and_another_encoder_is_ready(catalogue, make):
    catalogue.announce_encoder(make.encoder())
    catalogue.announce_encoder(make.encoder(digest="b" * 64))
    catalogue.announce_encoder(make.encoder("other", "c" * 64, is_default=True))
    assert states(catalogue) == {"a": ("ready", True), "b": ("shadow", False), "c": ("ready", False)}


def test_promoting_retires_the_one_before_and_takes_over_the_default(catalogue, make):
    catalogue.announce_encoder(make.encoder())
    shadow = catalogue.announce_encoder(make.encoder(digest="b" * 64))
    catalogue.promote_encoder(shadow.id, default=False)
    assert states(catalogue) == {"a": ("retired", False), "b": ("ready", True)}
    catalogue.promote_encoder(shadow.id, default=False)
    assert states(catalogue) == {"a": ("retired", False), "b": ("ready", True)}


def test_promoting_another_to_default_leaves_both_ready(catalogue, make):
    first = catalogue.announce_encoder(make.encoder())
    other = catalogue.announce_encoder(make.encoder("other", "c" * 64))
    catalogue.promote_encoder(other.id, default=True)
    assert states(catalogue) == {"a": ("ready", False), "c": ("ready", True)}
    catalogue.promote_encoder(first.id, default=False)
    assert states(catalogue) == {"a": ("ready", False), "c": ("ready", True)}


@pytest.mark.parametrize("encoder_id", ["x", pytest.param(new_id(), id="a new id")])
def test_an_encoder_that_nobody_announced_is_not_found(catalogue, make, encoder_id):
    track = catalogue.add_track(make.track())
    made = replace(make.embedding(make.encoder()), encoder_id=encoder_id)
    for use in (
        lambda: catalogue.promote_encoder(encoder_id, default=True),
        lambda: catalogue.save_embedding(track.id, made),
        lambda: catalogue.vectors(encoder_id, [track.number]),
        lambda: list(catalogue.all_vectors(DEFAULT_LIBRARY, encoder_id)),
    ):
        with pytest.raises(NotFound, match="encoder"):
            use()


@pytest.fixture
def encoder(catalogue, make):
    return catalogue.announce_encoder(make.encoder())


def test_vectors_come_back_in_float32_and_segments_in_half_precision(catalogue, make, encoder):
    track = catalogue.add_track(make.track())
    made = make.embedding(encoder, 1 / 3, segments=3)
    catalogue.save_embedding(track.id, made)
    stored = catalogue.embedding(track.id, encoder.id)
    assert stored.encoder_id == encoder.id
    assert {array.dtype for array in (stored.vector, stored.segment_spans_s, stored.segment_vectors)} == {
        np.dtype(np.float32)
    }
    np.testing.assert_array_equal(stored.vector, made.vector)
    np.testing.assert_array_equal(stored.segment_spans_s, made.segment_spans_s)
    np.testing.assert_array_equal(stored.segment_vectors, made.segment_vectors.astype(np.float16))


def test_vectors_are_replaced_and_may_change_their_segments(catalogue, make, encoder):
    track = catalogue.add_track(make.track())
    for value, segments in ((0.25, 5), (0.5, 0), (0.75, 1)):
        catalogue.save_embedding(track.id, make.embedding(encoder, value, segments))
        stored = catalogue.embedding(track.id, encoder.id)
        assert stored.vector.tolist() == [value] * 5
        assert stored.segment_spans_s.shape == (segments, 2)
        assert stored.segment_vectors.shape == (segments, 5)


def test_vectors_that_are_missing_say_so(catalogue, make, encoder):
    track = catalogue.add_track(make.track())
    with pytest.raises(NotEmbedded, match=track.id):
        catalogue.embedding(track.id, encoder.id)


def test_vectors_of_a_track_that_was_deleted_meanwhile_are_not_stored(catalogue, make, encoder):
    track = catalogue.add_track(make.track())
    catalogue.delete_track(DEFAULT_LIBRARY, track.id)
    for track_id in (track.id, "x"):
        with pytest.raises(NotFound):
            catalogue.save_embedding(track_id, make.embedding(encoder))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("vector", np.zeros(4, np.float32)),
        ("vector", np.full(5, np.nan, np.float32)),
        ("segment_vectors", np.zeros((2, 4), np.float32)),
        ("segment_vectors", np.full((2, 5), np.inf, np.float32)),
        ("segment_vectors", np.full((2, 5), 1e6, np.float32)),
        ("segment_spans_s", np.zeros((3, 2), np.float32)),
        ("segment_spans_s", np.full((2, 2), np.nan, np.float32)),
    ],
)
def test_vectors_that_do_not_fit_are_refused(catalogue, make, encoder, field, wrong):
    track = catalogue.add_track(make.track())
    with pytest.raises(ValueError, match="librosa"):
        catalogue.save_embedding(track.id, replace(make.embedding(encoder), **{field: wrong}))


def test_vectors_are_read_by_number_ascending(catalogue, make, encoder):
    tracks = [catalogue.add_track(make.track()) for _ in range(4)]
    clip = catalogue.add_track(make.track(kind=TrackKind.CLIP))
    for place, track in enumerate((*tracks[:3], clip)):
        catalogue.save_embedding(track.id, make.embedding(encoder, place))
    wanted = [track.number for track in (clip, *tracks[::-1], *tracks)]
    numbers, vectors = catalogue.vectors(encoder.id, wanted)
    assert numbers.tolist() == [track.number for track in tracks[:3]]
    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[place] * 5 for place in range(3)]
    numbers, vectors = catalogue.vectors(encoder.id, [])
    assert (numbers.shape, vectors.shape) == ((0,), (0, 5))


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_all_vectors_stream_in_batches(catalogue, make, encoder, batch):
    other = Library(new_id(), "other")
    catalogue.add_library(other)
    tracks = [catalogue.add_track(make.track()) for _ in range(5)]
    strangers = [make.track(kind=TrackKind.CLIP), make.track(library_id=other.id)]
    for track in (*tracks[:2], *tracks[3:], *(catalogue.add_track(track) for track in strangers)):
        catalogue.save_embedding(track.id, make.embedding(encoder, track.number))
    batches = list(catalogue.all_vectors(DEFAULT_LIBRARY, encoder.id, batch=batch))
    assert all(0 < len(numbers) == len(vectors) <= batch for numbers, vectors in batches)
    numbers = [int(number) for numbers, _ in batches for number in numbers]
    assert numbers == [track.number for track in (*tracks[:2], *tracks[3:])]
    assert [vector[0] for _, vectors in batches for vector in vectors] == numbers
    assert catalogue.count_embedded(DEFAULT_LIBRARY, encoder.id) == 4
    assert catalogue.count_embedded(other.id, encoder.id) == 1


def test_a_calibration_is_kept_and_replaced(catalogue, encoder):
    assert catalogue.calibration(DEFAULT_LIBRARY, encoder.id) is None
    first = Calibration(DEFAULT_LIBRARY, encoder.id, {"timbre": 0.1, "rhythm": 1e-17}, {"timbre": 1 / 3}, 10)
    for calibration in (first, replace(first, tracks=11, mean={}, measured_at=utc_now())):
        catalogue.save_calibration(calibration)
        assert catalogue.calibration(DEFAULT_LIBRARY, encoder.id) == calibration
