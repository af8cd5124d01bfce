import numpy as np
import pytest


@pytest.fixture
def encoder(catalogue, make):
    return catalogue.announce_encoder(make.encoder())


def test_the_vectors_of_many_tracks_come_by_number(catalogue, make, encoder):
    made = {}
    for value in (0.25, 0.5, 0.75):
        track = catalogue.add_track(make.track())
        made[track.number] = make.embedding(encoder, value, segments=int(value * 4))
        catalogue.save_embedding(track.id, made[track.number])
    first, *_, last = made
    found = catalogue.embeddings_by_number(encoder.id, [last, first, last])
    assert set(found) == {first, last}
    for number, embedding in found.items():
        assert embedding.encoder_id == encoder.id
        np.testing.assert_array_equal(embedding.vector, made[number].vector)
        np.testing.assert_array_equal(embedding.segment_spans_s, made[number].segment_spans_s)
        np.testing.assert_array_equal(embedding.segment_vectors, made[number].segment_vectors)


def test_tracks_without_vectors_of_the_encoder_are_left_out(catalogue, make, encoder):
    other = catalogue.announce_encoder(make.encoder("csn", "b" * 64))
    bare, elsewhere = catalogue.add_track(make.track()), catalogue.add_track(make.track())
    catalogue.save_embedding(elsewhere.id, make.embedding(other))
    assert catalogue.embeddings_by_number(encoder.id, [bare.number, elsewhere.number, 999_999]) == {}
    assert catalogue.embeddings_by_number(encoder.id, []) == {}


def test_more_tracks_than_one_query_can_name_are_fetched_all_the_same(catalogue, make, encoder):
    tracks = [catalogue.add_track(make.track()) for _ in range(3)]
    for track in tracks:
        catalogue.save_embedding(track.id, make.embedding(encoder))
    numbers = [*range(10_000, 12_500), *(track.number for track in tracks)]
    assert set(catalogue.embeddings_by_number(encoder.id, numbers)) == {track.number for track in tracks}
