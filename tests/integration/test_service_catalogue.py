"""The benchmark of the whole service fills a database as uploads and workers would."""

import numpy as np
import pytest

from app.adapters import rows
from app.adapters.memory_database import MemoryDatabase
from app.adapters.sql_database import SqlDatabase
from app.domain import DEFAULT_LIBRARY, ChangeKind, Embedding, TrackState
from app.filters import OneOf
from benchmarks import service_catalogue
from benchmarks.service_catalogue import Block, blocks, new_encoder, save, seed, seeded
from benchmarks.service_metadata import LICENCES


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request):
    if request.param == "postgres":
        request.getfixturevalue("postgres_cleaner")()
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def opened(url):
    database = SqlDatabase(url)
    yield database
    database.close()


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(service_catalogue, "BLOCK", 40)


def all_blocks(count):
    made = list(blocks(0, count))
    return Block(
        [each for block in made for each in block.tracks], np.concatenate([block.vectors for block in made])
    )


def write_through_port(database, encoder, block):
    with database.transaction() as tx:
        known = tx.catalogue.announce_encoder(encoder)
        for track, span, vector in zip(block.tracks, block.spans(), block.vectors, strict=True):
            stored = tx.catalogue.add_track(track)
            tx.catalogue.save_analysis(stored.id, track.analysis)
            tx.catalogue.save_embedding(stored.id, Embedding(known.id, vector, span[None], vector[None]))
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, stored.id, stored.number)
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_EMBEDDED, stored.id, stored.number)


def write_in_bulk(database, url, encoder, block):
    with database.transaction() as tx:
        known = tx.catalogue.announce_encoder(encoder)
    with service_catalogue._writing(url) as engine, engine.begin() as connection:
        save(connection, known, block)


def test_tracks_written_in_bulk_read_like_those_written_one_by_one(url, opened, small_blocks):
    block, encoder, reference = all_blocks(90), new_encoder(), MemoryDatabase()
    write_through_port(reference, encoder, block)
    write_in_bulk(opened, url, encoder, block)
    numbers = range(1, 1_000_000)
    with opened.transaction(read_only=True) as tx, reference.transaction(read_only=True) as expected:
        found = sorted(tx.catalogue.list_tracks(DEFAULT_LIBRARY, limit=200).items, key=lambda track: track.number)
        wanted = expected.catalogue.tracks_by_number(DEFAULT_LIBRARY, numbers)
        assert [_without_moments(track) for track in found] == [
            _without_moments(wanted[place]) for place in sorted(wanted)
        ]
        assert tx.catalogue.count_embedded(DEFAULT_LIBRARY, encoder.id) == 90
        assert tx.catalogue.count_tracks(DEFAULT_LIBRARY)[TrackState.READY] == 90
        for track, mine in zip(found, block.tracks, strict=True):
            one, other = (each.catalogue.embedding(mine.id, encoder.id) for each in (tx, expected))
            assert track.id == mine.id
            np.testing.assert_array_equal(one.vector, other.vector)
            np.testing.assert_array_equal(one.segment_spans_s, other.segment_spans_s)
            np.testing.assert_array_equal(one.segment_vectors, other.segment_vectors)
        changes, others = tx.changes.after(0), expected.changes.after(0)
        assert [(each.seq, each.kind, each.subject) for each in changes] == [
            (each.seq, each.kind, each.subject) for each in others
        ]
        assert {change.number for change in changes} == {track.number for track in found}
        for licence in LICENCES:
            [one, other] = (
                each.catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("licence", [licence]))
                for each in (tx, expected)
            )
            assert len(one) == len(other)


def test_seeding_goes_on_where_it_stopped(url, opened, small_blocks):
    seed(url, 30)
    assert seeded(url) == 30
    seed(url, 100)
    seed(url, 100)
    whole = all_blocks(100)
    with opened.transaction(read_only=True) as tx:
        [encoder] = tx.catalogue.encoders()
        [(numbers, vectors)] = tx.catalogue.all_vectors(DEFAULT_LIBRARY, encoder.id)
        found = tx.catalogue.tracks_by_number(DEFAULT_LIBRARY, numbers.tolist())
        assert tx.changes.last_seq() == 200
    with opened.transaction() as tx:
        later = tx.catalogue.add_track(next(blocks(100, 101)).tracks[0])
    np.testing.assert_array_equal(vectors, whole.vectors)
    assert [found[number].metadata for number in numbers.tolist()] == [track.metadata for track in whole.tracks]
    assert later.number > numbers.max()


def test_each_licence_and_artist_has_its_share_of_the_tracks():
    tracks = [track for block in blocks(0, 12_288) for track in block.tracks]
    for licence, share in LICENCES.items():
        assert sum(track.metadata.licence == licence for track in tracks) / 12_288 == pytest.approx(
            share, abs=0.015
        )
    assert len({track.metadata.artist for track in tracks}) == pytest.approx(12_288 / 12, rel=0.01)
    assert len({track.audio.sha256 for track in tracks}) == 12_288


def _without_moments(track):
    return {**rows.track_values(track), "updated_at": None, "number": None}
