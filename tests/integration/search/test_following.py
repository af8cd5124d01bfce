"""Indexes follow the database: within a second, in order, through restarts and outages."""

import os
import threading
import time
from datetime import timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from app.adapters.memory_index import MemoryIndex
from app.domain import DEFAULT_LIBRARY, utc_now
from app.errors import Conflict, DatabaseUnavailable
from app.filters import OneOf
from app.retrieval import SearchRequest, Term
from app.services.search import SearchService


@pytest.fixture
def followed(real_world):
    """A world whose keeper follows in its own thread."""
    real_world.keeper.start()
    yield real_world
    real_world.keeper.close()


def same_as_database(world):
    return world.keeper.check() == []


def retire(world, track):
    """Promote a successor of the world's encoder, which knows one track."""
    with world.database.transaction() as tx:
        successor = tx.catalogue.announce_encoder(world.new_encoder(digest="b" * 64))
        world.embed(tx, track, encoder=successor, timbre=0, rhythm=0)
        tx.catalogue.promote_encoder(successor.id, default=True)
    return successor


def test_an_embedded_track_is_searchable_within_a_second(followed, until, titles):
    query = followed.track("query", timbre=0, rhythm=0)
    assert until(lambda: followed.held() == {query.number}, seconds=5)
    track = followed.track("new", timbre=1, rhythm=1)
    assert until(lambda: track.number in followed.held(), seconds=1)
    assert titles(followed.search(query)) == ["new"]


def test_a_deleted_track_leaves_the_index_within_a_second(followed, until):
    track = followed.track("short-lived", timbre=0, rhythm=0)
    assert until(lambda: followed.held() == {track.number})
    followed.delete(track)
    assert until(lambda: followed.held() == set(), seconds=1)


def test_a_track_embedded_again_has_its_new_vector(real_world, angles):
    track = real_world.track("moved", timbre=0, rhythm=0)
    real_world.keeper.catch_up()
    real_world.move(track, timbre=90)
    assert real_world.keeper.catch_up() == 1
    held = real_world.keeper.get(DEFAULT_LIBRARY, real_world.encoder.id).index.vectors(np.array([track.number]))
    np.testing.assert_allclose(held[0], angles(timbre=90), atol=1e-7)


def test_catching_up_says_how_many_changes_were_applied(real_world):
    real_world.keeper.catch_up()
    for place in range(3):
        real_world.track(f"{place}", timbre=0, rhythm=0)
    assert real_world.keeper.catch_up() == 6
    assert real_world.keeper.catch_up() == 0
    assert real_world.keeper.lag == 0


def test_a_log_longer_than_a_batch_is_followed_to_its_end(world, monkeypatch):
    monkeypatch.setattr("app.services.indexing._BATCH", 4)
    world.keeper.catch_up()
    tracks = [world.track(f"{place}", timbre=place, rhythm=0) for place in range(9)]
    world.delete(tracks[0])
    assert world.keeper.catch_up() == 19
    assert world.held() == {track.number for track in tracks[1:]}


def test_clips_are_never_indexed(real_world):
    real_world.keeper.catch_up()
    real_world.clip("clip", timbre=0, rhythm=0)
    real_world.keeper.catch_up()
    real_world.clip("before the start", timbre=0, rhythm=0)
    real_world.restart().catch_up()
    assert real_world.held() == set()


def test_a_new_encoder_gets_its_index_without_restart(real_world):
    track = real_world.track("first", timbre=0, rhythm=0)
    real_world.keeper.catch_up()
    with real_world.database.transaction() as tx:
        shadow = tx.catalogue.announce_encoder(real_world.new_encoder(digest="b" * 64))
    real_world.move(track, encoder=shadow, timbre=5, rhythm=5)
    real_world.keeper.catch_up()
    assert real_world.held(encoder=shadow) == {track.number}
    assert real_world.held() == {track.number}


def test_a_new_library_gets_its_index_without_restart(real_world):
    real_world.keeper.catch_up()
    other = real_world.library("other")
    track = real_world.track("first", library_id=other, timbre=0, rhythm=0)
    real_world.keeper.catch_up()
    assert (real_world.held(other), real_world.held()) == ({track.number}, set())


def test_the_index_of_a_retired_encoder_is_dropped_with_its_snapshot(world, tmp_path):
    track = world.track("first", timbre=0, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    retire(world, track)
    world.keeper.catch_up()
    assert world.held() is None
    assert not list((tmp_path / "index").rglob(world.encoder.id))


def test_what_an_encoder_left_that_was_retired_while_nobody_followed_is_removed_and_nothing_else(world, tmp_path):
    track = world.track("first", timbre=0, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    strange = tmp_path / "index" / DEFAULT_LIBRARY / "notes of somebody"
    strange.mkdir()
    successor = retire(world, track)
    world.restart().catch_up()
    world.keeper.save()
    assert {place.name for place in strange.parent.iterdir()} == {successor.id, strange.name}


# restarts


def test_a_restart_restores_the_snapshot_and_replays_what_came_after(real_world, monkeypatch):
    gone, moved, *_ = [real_world.track(f"{place}", timbre=place, rhythm=0) for place in range(5)]
    real_world.keeper.catch_up()
    real_world.keeper.save()
    real_world.delete(gone)
    real_world.move(moved, timbre=90, rhythm=90)
    late = real_world.track("late", timbre=1, rhythm=1)
    keeper = real_world.restart()
    monkeypatch.setattr(keeper._shelf.__class__, "build", None)
    keeper.catch_up()
    assert late.number in real_world.held()
    assert gone.number not in real_world.held()
    assert same_as_database(real_world)


def test_a_follower_that_died_without_a_snapshot_starts_again_from_the_database(real_world):
    for place in range(5):
        real_world.track(f"{place}", timbre=place, rhythm=0)
    real_world.keeper.catch_up()
    real_world.track("never followed", timbre=1, rhythm=1)
    real_world.restart().catch_up()
    assert len(real_world.held()) == 6
    assert same_as_database(real_world)


@pytest.mark.parametrize("damage", [lambda old: old[:-9], lambda _: b"", lambda old: old.replace(b"seq", b"sex")])
def test_a_damaged_snapshot_is_built_anew_from_the_database(world, tmp_path, damage):
    world.track("kept", timbre=0, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    (file,) = (tmp_path / "index").rglob("index.snapshot")
    file.write_bytes(damage(file.read_bytes()))
    with capture_logs() as told:
        world.restart().catch_up()
    assert len(world.held()) == 1
    assert same_as_database(world)
    assert [line["log_level"] for line in told if "built from the database" in line["event"]] == ["warning"]


def test_a_snapshot_that_is_ahead_of_the_database_is_not_used(world):
    """An older backup of the same database was restored."""
    track = world.track("moved", timbre=0, rhythm=0)
    before = world.database._state.copy()
    world.move(track, timbre=90, rhythm=90)
    world.keeper.catch_up()
    world.keeper.save()
    world.database._state = before
    world.restart().catch_up()
    assert world.held() == {track.number}
    assert same_as_database(world)


def test_a_snapshot_that_a_restored_database_has_overtaken_is_not_used(world):
    before = world.database._state.copy()
    world.track("forgotten", timbre=0, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    world.database._state = before
    for place in range(3):
        world.clip(f"{place}", timbre=place, rhythm=0)
    world.restart().catch_up()
    assert world.held() == set()
    assert same_as_database(world)


def test_a_database_that_is_replaced_by_an_older_one_while_followed_is_noticed(world):
    before = world.database._state.copy()
    world.track("forgotten", timbre=0, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    world.database._state = before
    world.keeper.catch_up()
    assert world.held() == set()
    world.restart().catch_up()
    assert world.held() == set()


def test_snapshots_are_written_now_and_then_and_at_the_end_if_anything_changed(world, tmp_path):
    now = [0.0]
    keeper = world.restart(snapshot_s=10, clock=lambda: now[0])
    written = lambda: {file.stat().st_mtime_ns for file in (tmp_path / "index").rglob("index.snapshot")}  # noqa: E731
    world.track("first", timbre=0, rhythm=0)
    keeper.catch_up()
    assert written() == set()
    now[0] = 10.0
    keeper.catch_up()
    first = written()
    assert len(first) == 1
    now[0] = 20.0
    world.track("no vectors", embedded=False)
    keeper.catch_up()
    assert written() == first
    world.track("second", timbre=0, rhythm=0)
    keeper.catch_up()
    keeper.close()
    assert written() != first


def test_a_disk_that_is_full_does_not_stop_the_following(world, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    world.restart(snapshot_s=0)
    for place in range(3):
        world.track(f"{place}", timbre=place, rhythm=0)
        world.keeper.catch_up()
    assert len(world.held()) == 3


# outages


def test_searches_go_on_while_the_database_cannot_be_followed(flaky_world, until):
    flaky_world.restart(interval_s=0.01)
    track = flaky_world.track("before", timbre=0, rhythm=0)
    flaky_world.keeper.start()
    assert until(lambda: flaky_world.held() == {track.number})
    flaky_world.database.away = True
    assert until(lambda: flaky_world.keeper.status().trouble is not None)
    assert flaky_world.held() == {track.number}
    assert flaky_world.keeper.caught_up
    flaky_world.database.away = False
    late = flaky_world.track("after", timbre=0, rhythm=0)
    assert until(lambda: flaky_world.held() == {track.number, late.number})
    assert until(lambda: flaky_world.keeper.status().trouble is None)
    flaky_world.keeper.close()


def test_a_database_that_is_away_at_the_start_is_waited_for(flaky_world, until):
    flaky_world.track("there", timbre=0, rhythm=0)
    flaky_world.database.away = True
    flaky_world.restart(interval_s=0.01).start()
    assert until(lambda: flaky_world.keeper.status().trouble is not None)
    assert not flaky_world.keeper.caught_up
    flaky_world.database.away = False
    assert until(lambda: flaky_world.keeper.caught_up)
    assert len(flaky_world.held()) == 1
    flaky_world.keeper.close()


def test_an_outage_in_the_middle_of_a_batch_loses_nothing(flaky_world):
    flaky_world.keeper.catch_up()
    kept = flaky_world.keeper.get(DEFAULT_LIBRARY, flaky_world.encoder.id)
    track = flaky_world.track("torn", timbre=0, rhythm=0)
    add = kept.index.add

    def interrupted(*_):
        raise DatabaseUnavailable("The server closed the connection.")

    kept.index.add = interrupted
    with pytest.raises(DatabaseUnavailable):
        flaky_world.keeper.catch_up()
    kept.index.add = add
    flaky_world.keeper.catch_up()
    assert flaky_world.held() == {track.number}


# check and rebuild


def test_a_check_names_what_is_missing_extra_and_different(real_world, angles):
    first, second, third = [real_world.track(f"{place}", timbre=place, rhythm=0) for place in range(3)]
    real_world.keeper.catch_up()
    assert real_world.keeper.check() == []
    index = real_world.keeper.get(DEFAULT_LIBRARY, real_world.encoder.id).index
    index.remove(np.array([first.number]))
    index.add(np.array([second.number, 999]), np.stack([angles(7, 7), angles(8, 8)]))
    (difference,) = real_world.keeper.check()
    assert difference.missing == (first.number,)
    assert difference.extra == (999,)
    assert difference.different == (second.number,)
    real_world.keeper.rebuild()
    assert real_world.keeper.check() == []
    assert real_world.held() == {first.number, second.number, third.number}


def test_changes_not_followed_yet_are_no_differences(real_world):
    real_world.keeper.catch_up()
    real_world.track("late", timbre=0, rhythm=0)
    assert real_world.keeper.check() == []


def test_a_rebuild_loses_no_change_that_comes_meanwhile(world, monkeypatch):
    stale = world.track("stale", timbre=0, rhythm=0)
    world.keeper.catch_up()
    shelf = world.keeper._shelf.__class__
    build = shelf.build

    def slow(self, tx, library_id, encoder):
        fresh = build(self, tx, library_id, encoder)
        catching_up.append(encoder)
        return fresh

    catching_up = []
    monkeypatch.setattr(shelf, "build", slow)
    swap = world.keeper._swap

    def after_more_changes(key, fresh):
        world.delete(stale)
        late.append(world.track("late", timbre=1, rhythm=1))
        world.keeper.catch_up()
        swap(key, fresh)

    late = []
    monkeypatch.setattr(world.keeper, "_swap", after_more_changes)
    before = world.keeper.get(DEFAULT_LIBRARY, world.encoder.id)
    world.keeper.rebuild()
    assert catching_up
    assert world.keeper.get(DEFAULT_LIBRARY, world.encoder.id) is not before
    assert world.held() == {late[0].number}


def test_a_second_rebuild_is_refused_while_one_is_under_way(world, monkeypatch):
    world.track("one", timbre=0, rhythm=0)
    world.keeper.catch_up()
    swap, refused = world.keeper._swap, []

    def asked_again(key, fresh):
        monkeypatch.setattr(world.keeper, "_swap", swap)
        with pytest.raises(Conflict, match="being built anew already") as told:
            world.keeper.rebuild()
        refused.append(told)
        swap(key, fresh)

    monkeypatch.setattr(world.keeper, "_swap", asked_again)
    world.keeper.rebuild()
    assert refused
    world.keeper.rebuild()


def test_a_rebuild_that_failed_does_not_stand_in_the_way_of_the_next(flaky_world):
    flaky_world.track("one", timbre=0, rhythm=0)
    flaky_world.keeper.catch_up()
    flaky_world.database.away = True
    with pytest.raises(DatabaseUnavailable):
        flaky_world.keeper.rebuild()
    flaky_world.database.away = False
    flaky_world.keeper.rebuild()


def test_an_index_whose_encoder_is_retired_while_it_is_built_anew_is_given_back(world, monkeypatch):
    track = world.track("one", timbre=0, rhythm=0)
    world.keeper.catch_up()
    swap, built = world.keeper._swap, []

    def after_the_retirement(key, fresh):
        retire(world, track)
        world.keeper.catch_up()
        built.append((len(fresh.index), fresh.index))
        swap(key, fresh)

    monkeypatch.setattr(world.keeper, "_swap", after_the_retirement)
    world.keeper.rebuild()
    ((before, index),) = built
    assert (before, len(index)) == (1, 0)
    assert world.held() is None


# calibration


def test_a_library_is_calibrated_once_it_is_large_enough_and_again_as_it_grows(real_world):
    measured = []

    def grow_to(count):
        missing = range(len(grown), count)
        grown.extend(real_world.track(f"{place}", timbre=place * 3, rhythm=place * 50) for place in missing)
        real_world.keeper.catch_up()
        with real_world.database.transaction(read_only=True) as tx:
            stored = tx.catalogue.calibration(DEFAULT_LIBRARY, real_world.encoder.id)
        measured.append(stored.tracks if stored else None)

    grown = []
    for count in (9, 20, 21, 22):
        grow_to(count)
    assert measured == [None, 20, 20, 22]
    kept = real_world.keeper.get(DEFAULT_LIBRARY, real_world.encoder.id)
    assert kept.calibration.deviation["timbre"] < kept.calibration.deviation["rhythm"]
    real_world.restart().catch_up()
    again = real_world.keeper.get(DEFAULT_LIBRARY, real_world.encoder.id)
    assert again.calibration.deviation == pytest.approx(kept.calibration.deviation)


def test_another_replica_takes_the_calibration_that_is_stored(world):
    for place in range(20):
        world.track(f"{place}", timbre=place * 3, rhythm=place * 50)
    first, second = world.keeper, world.new_keeper()
    first.catch_up()
    stored = first.get(DEFAULT_LIBRARY, world.encoder.id).calibration
    second.catch_up()
    assert second.get(DEFAULT_LIBRARY, world.encoder.id).calibration == stored


# concurrency


def test_nothing_is_missed_under_concurrent_writers(followed, until):
    def write(name):
        mine = []
        for place in range(12):
            mine.append(followed.track(f"{name} {place}", timbre=place, rhythm=place))
            if place % 3 == 2:
                followed.delete(mine.pop(0))
            if place % 4 == 3:
                followed.move(mine[0], timbre=90, rhythm=90)

    writers = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert until(lambda: len(followed.held()) == 4 * 8, seconds=5)
    assert same_as_database(followed)


def test_the_status_says_how_far_it_has_come(world):
    assert world.keeper.status().applied_seq == -1
    world.track("one", timbre=0, rhythm=0)
    world.keeper.catch_up()
    status = world.keeper.status()
    assert (status.caught_up, status.applied_seq, status.lag, status.trouble) == (True, 2, 0, None)
    (index,) = status.indexes
    assert (index.encoder, index.tracks, index.calibrated) == ("librosa", 1, False)
    assert index.details["kind"] == "memory"


@pytest.mark.parametrize("restart", [True, False])
@pytest.mark.parametrize("later", [True, False])
def test_an_index_that_the_change_log_does_not_reach_back_to_is_built_anew(real_world, restart, later):
    """Whether changes are left in the log or none: what was forgotten must not be taken for nothing."""
    gone = real_world.track("gone", timbre=0, rhythm=0)
    real_world.keeper.catch_up()
    real_world.keeper.save()
    real_world.delete(gone)
    tracks = [real_world.track("new", timbre=1, rhythm=1)]
    with real_world.database.transaction() as tx:
        tx.changes.forget(utc_now() + timedelta(hours=1))
    if later:
        tracks.append(real_world.track("newer", timbre=2, rhythm=2))
    if restart:
        real_world.restart()
    real_world.keeper.catch_up()
    assert real_world.held() == {track.number for track in tracks}
    assert real_world.keeper.lag == 0


def test_a_new_library_has_an_index_before_its_first_track(world):
    world.keeper.catch_up()
    library = world.library("label")
    world.keeper.catch_up()
    assert world.held(library) == set()


def test_one_index_that_cannot_be_improved_keeps_no_other_from_it(world, monkeypatch):
    other = world.library("other")
    world.track("one", timbre=0, rhythm=0)
    world.track("two", timbre=0, rhythm=0, library_id=other)
    world.keeper.catch_up()
    asked = []

    def improve(self, is_stopped):
        asked.append(self)
        if self is broken:
            raise MemoryError

    broken = world.keeper.get(DEFAULT_LIBRARY, world.encoder.id).index
    monkeypatch.setattr(type(broken), "improve", improve)
    with capture_logs() as told:
        for _ in range(3):
            world.keeper.improve()
    assert asked.count(broken) == 1, "it is left alone for a while"
    assert len(asked) == 4
    assert [line["log_level"] for line in told] == ["error"]


def test_a_snapshot_is_written_anew_after_a_day_since_the_change_log_is_forgotten(world, monkeypatch, tmp_path):
    for place in range(300):
        world.track(f"{place}", timbre=place, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    (file,) = (tmp_path / "index").rglob("index.snapshot")
    written = file.stat().st_mtime_ns
    world.track("one of three hundred", timbre=0, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    assert file.stat().st_mtime_ns == written
    monkeypatch.setattr("app.services.kept_index._KEPT_S", 0.0)
    world.keeper.save()
    assert file.stat().st_mtime_ns != written
    written = file.stat().st_mtime_ns
    world.keeper.save()
    assert file.stat().st_mtime_ns == written, "nothing has happened since"


def test_a_snapshot_that_is_a_day_old_is_written_anew_whenever_the_process_was_started(world, tmp_path):
    for place in range(300):
        world.track(f"{place}", timbre=place, rhythm=0)
    world.keeper.catch_up()
    world.keeper.save()
    (file,) = (tmp_path / "index").rglob("index.snapshot")
    yesterday = time.time() - 90_000
    os.utime(file, (yesterday, yesterday))
    world.track("one of three hundred", timbre=0, rhythm=0)
    world.restart().catch_up()
    world.keeper.save()
    written = file.stat().st_mtime
    assert written > yesterday + 80_000
    world.track("another", timbre=0, rhythm=0)
    world.restart().catch_up()
    world.keeper.save()
    assert file.stat().st_mtime == written


def test_what_is_built_while_a_snapshot_is_written_belongs_into_the_next_one(world, monkeypatch):
    world.track("one", timbre=0, rhythm=0)
    world.keeper.catch_up()
    kept = world.keeper.get(DEFAULT_LIBRARY, world.encoder.id)
    monkeypatch.setattr(MemoryIndex, "improve", lambda *_: True)
    write = kept.index.snapshot

    def slow(*given, **named):
        write(*given, **named)
        kept.improve(lambda: False)

    kept.index.snapshot = slow
    world.keeper.save()
    assert kept.is_worth_saving
    kept.index.snapshot = write
    world.keeper.save()
    assert not kept.is_worth_saving


def test_filters_that_were_remembered_are_forgotten_with_the_database_that_they_were_of(world, titles):
    query = world.track("query", timbre=0, rhythm=0)
    before = world.database._state.copy()
    world.track("gone", timbre=1, rhythm=1, artist="Bob")
    where = OneOf("artist", ["Bob"])
    service = SearchService(world.database, world.keeper)
    request = SearchRequest(DEFAULT_LIBRARY, (Term(query.id),), where=where, calibrate=False)
    world.keeper.catch_up()
    assert titles(service.search(request)) == ["gone"]
    world.database._state = before
    world.keeper.catch_up()
    for place in range(5):
        world.track(f"other {place}", timbre=2, rhythm=2, artist="Bob")
    world.keeper.catch_up()
    assert len(service.search(request).matches) == 5
