"""People edit the tags of a track while a worker listens to it: neither loses what the other says."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from app.adapters.sql_database import SqlDatabase
from app.adapters.sql_tracks import SqlTracks
from app.domain import (
    DEFAULT_LIBRARY,
    Embedding,
    EncoderInfo,
    Metadata,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    TrackState,
    new_id,
)
from app.filters import OneOf
from app.services.hearing import listen, listen_to_unheard
from app.tag_directions import TagDirections


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def sql(request):
    """A database with SQL."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_cleaner")()
    database = SqlDatabase(request.getfixturevalue(f"{request.param}_url"))
    yield database
    database.close()


@pytest.fixture
def track(sql):
    audio = StoredAudio(None, "a" * 64, 1, "audio/wav", "x.wav")
    with sql.transaction() as tx:
        return tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio))


def edit(tx, track):
    tx.catalogue.update_metadata(DEFAULT_LIBRARY, track.id, Metadata(tags=("mine",), denied_tags=("loud",)))


def hear(tx, track):
    tx.catalogue.save_heard({track.number: {"calm": 0.9, "loud": 0.8}})


@pytest.mark.parametrize("order", [(edit, hear), (hear, edit)])
def test_an_edit_and_listening_at_once_are_both_heeded(sql, track, order):
    first, second = order
    begun = threading.Event()

    def follow():
        begun.set()
        with sql.transaction() as tx:
            second(tx, track)

    follower = threading.Thread(target=follow)
    with sql.transaction() as tx:
        first(tx, track)
        follower.start()
        begun.wait()
        time.sleep(0.3)  # the other one waits for the row, or for its turn
    follower.join()
    with sql.transaction(read_only=True) as tx:
        for tag, carried in {"mine": True, "calm": True, "loud": False}.items():
            found = tx.catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("all_tags", [tag])).tolist()
            assert found == [track.number] * carried, tag


def test_many_who_give_and_take_the_same_tags_at_once_count_them_right(sql):
    tags, tracks = ("calm", "loud", "mine"), []
    for number in range(8):
        audio = StoredAudio(None, f"{number:064}", 1, "audio/wav", "x.wav")
        with sql.transaction() as tx:
            tracks.append(
                tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio))
            )

    def edit_often(track):
        order = [tags[(track.number + step) % 3] for step in range(3)]
        for count in (3, 1, 0, 2):
            with sql.transaction() as tx:
                tx.catalogue.update_metadata(DEFAULT_LIBRARY, track.id, Metadata(tags=tuple(order[:count])))
        return order[:2]

    with ThreadPoolExecutor(len(tracks)) as pool:
        left = [tag for kept in pool.map(edit_often, tracks) for tag in kept]
    with sql.transaction(read_only=True) as tx:
        assert tx.catalogue.count_tags(DEFAULT_LIBRARY) == Counter(left)


@pytest.fixture
def ears(sql):
    """Two encoders, each of which is sure of a tag of its own."""
    with sql.transaction() as tx:
        return [tx.catalogue.announce_encoder(encoder_of(tag)) for tag in ("calm", "loud")]


def encoder_of(tag):
    sure = np.full(1, 10, np.float32)
    tags = TagDirections((tag,), np.eye(1, 2, dtype=np.float32), sure, np.zeros_like(sure))
    return EncoderInfo(new_id(), tag, "1", new_id().replace("-", "") * 2, (Space("all", 2),), {"all": tags})


def embed(tx, track, encoder):
    spans, vectors = np.array([(0, 1)], np.float32), np.array([(1, 0)], np.float32)
    tx.catalogue.save_embedding(track.id, Embedding(encoder.id, vectors[0], spans, vectors))
    tx.catalogue.set_state(track.id, TrackState.READY)


def test_a_worker_and_the_housekeeper_that_listen_at_once_lose_no_tag(sql, track, ears, monkeypatch):
    with sql.transaction() as tx:
        embed(tx, track, ears[0])
    save_heard, heard, may_save = SqlTracks.save_heard, threading.Event(), threading.Event()

    def save_late(tracks, found):
        if threading.current_thread() is keeper:
            heard.set()
            may_save.wait(10)
        return save_heard(tracks, found)

    def work():
        with sql.transaction() as tx:
            embed(tx, track, ears[1])
            listen(tx, [track.number])

    monkeypatch.setattr(SqlTracks, "save_heard", save_late)
    keeper = threading.Thread(target=listen_to_unheard, args=(sql,))
    worker = threading.Thread(target=work)
    keeper.start()
    assert heard.wait(10)
    worker.start()
    worker.join(0.5)  # it waits for the row, or for its turn
    may_save.set()
    for thread in (keeper, worker):
        thread.join()
    with sql.transaction(read_only=True) as tx:
        assert set(tx.catalogue.track(DEFAULT_LIBRARY, track.id).heard) == {"calm", "loud"}


@pytest.mark.parametrize("sql", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_the_housekeeper_waits_for_no_worker(sql, track, ears):
    with sql.transaction() as tx:
        embed(tx, track, ears[0])
    keeper = threading.Thread(target=listen_to_unheard, args=(sql,), daemon=True)
    with sql.transaction() as tx:
        embed(tx, track, ears[1])
        keeper.start()
        keeper.join(10)
        assert not keeper.is_alive()
    assert listen_to_unheard(sql) == 1
