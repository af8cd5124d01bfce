"""Maps that were asked for and drawn, on every database."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from app.catalogue_map import Cluster, Clustering, ClusterScore, Drawing, MapRequest
from app.domain import DEFAULT_LIBRARY, Library, Metadata, TrackKind, new_id
from app.errors import NotFound

GENRE = MapRequest("librosa", {"timbre": 1.0})
BOTH = MapRequest("librosa", {"timbre": 1.0, "rhythm": 0.5})


def drawing(seq=7, **values):
    made = Drawing(
        numbers=np.array([3, 5, 2**40], np.int64),
        positions=np.array([[-1, 0.25], [1, -0.5], [0, 0]], np.float32),
        clusters=np.array([0, 1, 1], np.int16),
        clustering=Clustering(
            "kmeans",
            [Cluster(0, "piano · calm", 1, -1.0, 0.25), Cluster(1, "Cluster 2", 2, 0.5, -0.25)],
            [ClusterScore("kmeans", 2, 0.5, 10.0, 0.75), ClusterScore("gmm", 3, None, None, None)],
        ),
        seq=seq,
    )
    return replace(made, **values)


@pytest.fixture
def encoder(make, database):
    with database.transaction() as tx:
        return tx.catalogue.announce_encoder(make.encoder())


def ask(database, encoder, request=GENRE, library_id=DEFAULT_LIBRARY):
    with database.transaction() as tx:
        return tx.maps.ask(library_id, request, encoder.id)


def test_the_same_request_is_the_same_map(database, encoder):
    first, other = ask(database, encoder), ask(database, encoder, BOTH)
    again = ask(database, encoder)
    assert (again.id, again.request, again.drawn_at) == (first.id, GENRE, None)
    assert again.requested_at >= other.requested_at >= first.requested_at
    assert other.id != first.id
    with database.transaction() as tx:
        assert tx.maps.find(DEFAULT_LIBRARY, BOTH) == other
        assert tx.maps.find(DEFAULT_LIBRARY, MapRequest("librosa", {"rhythm": 1.0})) is None


def test_maps_are_listed_the_one_asked_for_last_first(database, encoder):
    first, second = ask(database, encoder), ask(database, encoder, BOTH)
    with database.transaction() as tx:
        assert [each.id for each in tx.maps.maps(DEFAULT_LIBRARY)] == [second.id, first.id]
    ask(database, encoder)
    with database.transaction() as tx:
        assert [each.id for each in tx.maps.maps(DEFAULT_LIBRARY)] == [first.id, second.id]


def test_a_drawing_comes_back_as_it_was(database, encoder):
    asked, drawn = ask(database, encoder), drawing(left_out=4)
    with database.transaction() as tx:
        assert tx.maps.drawing(asked.id) is None
        saved = tx.maps.save(asked.id, encoder.id, drawn)
    with database.transaction() as tx:
        found = tx.maps.drawing(asked.id)
        assert tx.maps.map(DEFAULT_LIBRARY, asked.id) == saved
    assert saved.drawn_at is not None
    for name in ("numbers", "positions", "clusters"):
        assert getattr(found, name).dtype == getattr(drawn, name).dtype
        assert np.array_equal(getattr(found, name), getattr(drawn, name))
    assert (found.clustering, found.seq, found.left_out) == (drawn.clustering, 7, 4)


def test_a_drawing_takes_the_place_of_the_last_one(database, encoder):
    asked = ask(database, encoder)
    for seq in (7, 9):
        with database.transaction() as tx:
            tx.maps.save(asked.id, encoder.id, drawing(seq))
    again = ask(database, encoder)
    with database.transaction() as tx:
        assert tx.maps.drawing(asked.id).seq == 9
    assert again.drawn_at is not None


def test_another_librarys_map_is_not_there(database, encoder):
    asked, other = ask(database, encoder), Library(new_id(), "other")
    with database.transaction() as tx:
        tx.catalogue.add_library(other)
    theirs = ask(database, encoder, library_id=other.id)
    assert theirs.id != asked.id
    with database.transaction() as tx:
        assert [each.id for each in tx.maps.maps(other.id)] == [theirs.id]
        with pytest.raises(NotFound, match="no map"):
            tx.maps.map(other.id, asked.id)


@pytest.mark.parametrize("map_id", [pytest.param(new_id(), id="a new id"), "no id", ""])
def test_what_is_not_there_is_not_found(database, map_id):
    with database.transaction() as tx:
        assert tx.maps.drawing(map_id) is None
        tx.maps.forget(map_id)
        with pytest.raises(NotFound, match="no map"):
            tx.maps.map(DEFAULT_LIBRARY, map_id)
        with pytest.raises(NotFound, match="no map"):
            tx.maps.save(map_id, new_id(), drawing())


def test_a_removed_map_is_gone_with_its_drawing(database, encoder):
    asked = ask(database, encoder)
    with database.transaction() as tx:
        tx.maps.save(asked.id, encoder.id, drawing())
        tx.maps.forget(asked.id)
    with database.transaction() as tx:
        assert tx.maps.maps(DEFAULT_LIBRARY) == []
        assert tx.maps.drawing(asked.id) is None
        with pytest.raises(NotFound):
            tx.maps.save(asked.id, encoder.id, drawing())


def test_of_two_who_ask_at_once_the_second_sees_what_the_first_has_done(database, encoder):
    waiting, found = threading.Event(), []

    def second():
        waiting.set()
        with database.transaction() as tx:
            asked = tx.maps.ask(DEFAULT_LIBRARY, GENRE, encoder.id)
            found.append((asked.id, len(tx.catalogue.libraries())))

    thread = threading.Thread(target=second)
    with database.transaction() as tx:
        first = tx.maps.ask(DEFAULT_LIBRARY, GENRE, encoder.id)
        thread.start()
        waiting.wait()
        thread.join(0.2)
        assert not found
        tx.catalogue.add_library(Library(new_id(), "made meanwhile"))
    thread.join()
    assert found == [(first.id, 2)]


def test_what_is_shown_of_tracks_is_theirs_and_what_is_heard_in_them(database, make):
    metadata = Metadata(title="Night Train", artist="Rails", tags=("Jazz",), denied_tags=("drums",))
    with database.transaction() as tx:
        known = tx.catalogue.add_track(make.track(metadata=metadata, analysis=make.analysis()))
        bare = tx.catalogue.add_track(make.track())
        tx.catalogue.set_audio_key(bare.id, None)
        clip = tx.catalogue.add_track(make.track(kind=TrackKind.CLIP))
        tx.catalogue.save_heard({known.number: {"drums": 0.9, "jazz": 0.8, "piano": 0.7}})
    with database.transaction() as tx:
        numbers = [2**40, clip.number, bare.number, known.number]
        first, second = tx.maps.tracks(DEFAULT_LIBRARY, numbers)
        assert tx.maps.tracks(new_id(), numbers) == []
    assert (first.number, first.id, first.title, first.artist) == (known.number, known.id, "Night Train", "Rails")
    assert (first.tempo_bpm, first.key, first.tags, first.has_audio) == (120.0, "A minor", ("Jazz", "piano"), True)
    assert (second.title, second.tempo_bpm, second.tags, second.has_audio) == (None, None, (), False)


def test_tracks_are_shown_that_were_asked_for_and_no_others_however_many(database, make):
    with database.transaction() as tx:
        known = [tx.catalogue.add_track(make.track()) for _ in range(3)]
    wanted = {known[0].number, known[2].number}
    many = [number for number in range(known[0].number - 2000, known[2].number + 2000) if number != known[1].number]
    with database.transaction() as tx:
        for numbers in (wanted, reversed(many)):
            assert [each.id for each in tx.maps.tracks(DEFAULT_LIBRARY, numbers)] == [known[0].id, known[2].id]
        assert tx.maps.tracks(DEFAULT_LIBRARY, []) == []


def test_the_numbers_of_embedded_tracks_leave_out_clips_and_those_without_vectors(database, make, encoder):
    with database.transaction() as tx:
        tracks = [tx.catalogue.add_track(make.track(kind=kind)) for kind in (TrackKind.TRACK, TrackKind.CLIP) * 2]
        for track in tracks[:3]:
            tx.catalogue.save_embedding(track.id, make.embedding(encoder))
    with database.transaction() as tx:
        found = tx.maps.embedded(DEFAULT_LIBRARY, encoder.id)
        assert len(tx.maps.embedded(new_id(), encoder.id)) == 0
    assert found.tolist() == [tracks[0].number, tracks[2].number]
    assert found.dtype == np.int64
