"""The SQL databases under concurrency, lost connections, full disks and wrong settings."""

import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError, StatementError

from app.adapters.sql_database import SqlDatabase
from app.domain import (
    DEFAULT_LIBRARY,
    ChangeKind,
    EncoderInfo,
    EncoderState,
    Library,
    Metadata,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    new_id,
    utc_now,
)
from app.errors import (
    ConfigurationError,
    Conflict,
    DatabaseUnavailable,
    InvalidRequest,
    NotFound,
    SoundkinError,
    StorageFull,
)
from app.keys import Scope
from app.services.access import AccessService


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request):
    """URL of a migrated and empty database."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_cleaner")()
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def sql(url):
    """A database with SQL."""
    database = SqlDatabase(url)
    yield database
    database.close()


@pytest.fixture
def sqlite(sqlite_url):
    """A database in an SQLite file."""
    database = SqlDatabase(sqlite_url)
    yield database
    database.close()


@pytest.fixture
def postgres(postgres_url, postgres_cleaner):
    """A database on PostgreSQL."""
    postgres_cleaner()
    database = SqlDatabase(postgres_url)
    yield database
    database.close()


def new_track(sha256=None, **values):
    track_id = new_id()
    audio = StoredAudio("key", sha256 or (track_id * 2)[:64], 1, "audio/mpeg", "x.mp3")
    return Track(track_id, DEFAULT_LIBRARY, TrackKind.TRACK, values.pop("metadata", Metadata()), audio, **values)


def at_once(count, work):
    """Run ``work(place)`` in threads that start together; return what came of each, results or errors."""
    results = [None] * count
    barrier = threading.Barrier(count)

    def run(place):
        barrier.wait()
        try:
            results[place] = work(place)
        except SoundkinError as error:
            results[place] = error

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.postgres
def test_of_two_last_keys_revoked_at_once_one_stays(postgres, postgres_url):
    access = AccessService(postgres, admin_key=None, loopback=True)
    first, second = (access.create_key(DEFAULT_LIBRARY, name, Scope.ADMIN)[0] for name in ("first", "second"))
    came = []

    def revoke_second():
        try:
            came.append(access.revoke(DEFAULT_LIBRARY, second.id))
        except Conflict as error:
            came.append(error)

    thread = threading.Thread(target=revoke_second)
    with postgres.transaction() as tx:
        tx.catalogue.delete_key(DEFAULT_LIBRARY, first.id)
        thread.start()
        while thread.is_alive() and not waits_for_a_lock(postgres_url):
            time.sleep(0.01)
    thread.join()
    assert [type(each) for each in came] == [Conflict]
    assert access.keys(DEFAULT_LIBRARY) == [second]


def waits_for_a_lock(url):
    """Whether any connection to the database does."""
    query = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url, application_name="watcher") as connection:
        return connection.execute(query).fetchone() is not None


def test_the_same_bytes_uploaded_at_once_make_one_track(sql):
    def upload(_):
        with sql.transaction() as tx:
            return tx.catalogue.add_track(new_track("a" * 64))

    results = at_once(8, upload)
    assert sum(isinstance(result, Track) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 7


def test_encoders_announced_at_once_become_one_and_one_default(sql):
    def announce(place):
        encoder = EncoderInfo(new_id(), f"encoder {place % 2}", "1", str(place % 4) * 64, (Space("s", 2),))
        with sql.transaction() as tx:
            return tx.catalogue.announce_encoder(encoder)

    results = at_once(8, announce)
    assert all(isinstance(result, EncoderInfo) for result in results), results
    with sql.transaction(read_only=True) as tx:
        encoders = tx.catalogue.encoders()
    assert {result.id for result in results} == {encoder.id for encoder in encoders}
    assert len(encoders) == 4
    assert sum(encoder.is_default for encoder in encoders) == 1
    for name in ("encoder 0", "encoder 1"):
        assert sorted(each.state for each in encoders if each.name == name) == [
            EncoderState.READY,
            EncoderState.SHADOW,
        ]


def test_a_reader_sees_one_state_and_does_not_wait_for_a_writer(sql):
    with sql.transaction(read_only=True) as reading:
        assert reading.catalogue.count_keys() == 0
        assert len(reading.catalogue.libraries()) == 1
        with sql.transaction() as writing:
            writing.catalogue.add_library(Library(new_id(), "new"))
            assert len(reading.catalogue.libraries()) == 1
        assert len(reading.catalogue.libraries()) == 1
    with sql.transaction(read_only=True) as reading:
        assert len(reading.catalogue.libraries()) == 2


def test_a_read_only_transaction_writes_nothing(sql):
    with pytest.raises(DatabaseUnavailable), sql.transaction(read_only=True) as tx:
        tx.catalogue.add_library(Library(new_id(), "new"))
    with sql.transaction() as tx:
        tx.catalogue.add_library(Library(new_id(), "new"))


def test_a_time_without_zone_is_refused(sql):
    local = utc_now().replace(tzinfo=None)
    with pytest.raises(StatementError, match="has no zone"), sql.transaction() as tx:
        tx.catalogue.add_track(new_track(created_at=local))


def test_a_violated_constraint_is_a_conflict_where_it_happens(sql):
    with sql.transaction() as tx, pytest.raises(Conflict):
        tx.catalogue._connection.execute(text("INSERT INTO library (id, name) SELECT id, 'x' FROM library"))


def test_a_fault_in_our_own_sql_is_not_disguised(sql):
    with pytest.raises(DBAPIError, match=r"(?i)syntax"), sql.transaction() as tx:
        tx.catalogue._connection.execute(text("SELEC 1"))


def test_a_track_cannot_be_deleted_under_a_worker_that_stores_its_vectors(sql):
    encoder = EncoderInfo(new_id(), "e", "1", "0" * 64, (Space("s", 2),))
    with sql.transaction() as tx:
        tx.catalogue.announce_encoder(encoder)
        track = tx.catalogue.add_track(new_track())

    def remove_or_embed(place):
        with sql.transaction() as tx:
            if place:
                return tx.catalogue.delete_track(DEFAULT_LIBRARY, track.id)
            number = tx.catalogue._hold_track(track.id)
            time.sleep(0.05)
            return tx.catalogue._hold_track(track.id) == number

    embedded, _ = at_once(2, remove_or_embed)
    assert embedded is True or isinstance(embedded, NotFound)


HAMMER = """
import sys
from app.adapters.sql_database import SqlDatabase
from app.domain import *

database = SqlDatabase(sys.argv[1])
for _ in range(25):
    track_id = new_id()
    audio = StoredAudio("key", (track_id * 2)[:64], 1, "audio/mpeg", "x.mp3")
    with database.transaction() as tx:
        track = tx.catalogue.add_track(Track(track_id, DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio))
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, track.id, track.number)
"""


def test_processes_that_write_at_once_lose_nothing(url, sql):
    processes = [subprocess.Popen([sys.executable, "-c", HAMMER, url]) for _ in range(3)]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    with sql.transaction(read_only=True) as tx:
        changes = tx.changes.after(0)
        assert sum(tx.catalogue.count_tracks(DEFAULT_LIBRARY).values()) == 75
    assert [change.seq for change in changes] == list(range(1, 76))


@pytest.mark.postgres
def test_a_later_number_is_never_visible_before_an_earlier_one(postgres):
    """The one that numbers first commits last: the other must wait for it, or a follower would skip the first."""
    numbered, release = threading.Event(), threading.Event()

    def slow():
        with postgres.transaction() as tx:
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, new_id(), 1)
            tx.changes.flush()
            numbered.set()
            release.wait(10)

    def quick():
        numbered.wait(10)
        with postgres.transaction() as tx:
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, new_id(), 2)

    threads = [threading.Thread(target=work) for work in (slow, quick)]
    for thread in threads:
        thread.start()
    numbered.wait(10)
    time.sleep(0.2)
    with postgres.transaction(read_only=True) as tx:
        assert tx.changes.after(0) == []
    release.set()
    for thread in threads:
        thread.join()
    with postgres.transaction(read_only=True) as tx:
        assert [(change.seq, change.number) for change in tx.changes.after(0)] == [(1, 1), (2, 2)]


@pytest.mark.postgres
def test_connections_that_the_server_closed_are_replaced(postgres, postgres_url):
    postgres.ping()
    end_connections(postgres_url)
    postgres.ping()


@pytest.mark.postgres
def test_a_connection_lost_in_the_middle_is_transient_and_keeps_nothing(postgres, postgres_url):
    def lose():
        with postgres.transaction() as tx:
            tx.catalogue.add_library(Library(new_id(), "lost"))
            end_connections(postgres_url)
            tx.catalogue.libraries()

    with pytest.raises(DatabaseUnavailable):
        lose()
    with postgres.transaction(read_only=True) as tx:
        assert [library.name for library in tx.catalogue.libraries()] == ["default"]


@pytest.mark.postgres
def test_a_connection_lost_at_the_commit_is_transient(postgres, postgres_url):
    def lose():
        with postgres.transaction() as tx:
            tx.catalogue.add_library(Library(new_id(), "lost"))
            end_connections(postgres_url)

    with pytest.raises(DatabaseUnavailable):
        lose()


@pytest.mark.postgres
def test_a_writer_that_froze_in_the_middle_lets_go_of_what_it_held(postgres, postgres_url, monkeypatch):
    monkeypatch.setattr("app.adapters.sql_engine.SILENT_S", 0.3)
    impatient = make_url(postgres_url).update_query_dict({"options": "-c lock_timeout=10000"})

    def freeze(other):
        with postgres.transaction() as tx:
            tx.catalogue.add_library(Library(new_id(), "of both"))
            with other.transaction() as waiting:
                waiting.catalogue.add_library(Library(new_id(), "of both"))
            tx.catalogue.libraries()

    url = impatient.render_as_string(hide_password=False)
    with closing(SqlDatabase(url)) as other, pytest.raises(DatabaseUnavailable, match="frozen"):
        freeze(other)
    with postgres.transaction(read_only=True) as tx:
        assert [library.name for library in tx.catalogue.libraries()] == ["default", "of both"]


@pytest.mark.postgres
def test_who_only_reads_may_take_long_between_two_looks(postgres, monkeypatch):
    monkeypatch.setattr("app.adapters.sql_engine.SILENT_S", 0.1)
    with postgres.transaction(read_only=True) as tx:
        tx.catalogue.libraries()
        time.sleep(0.5)
        assert len(tx.catalogue.libraries()) == 1


def end_connections(url):
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'cleaner'"
        )


@pytest.mark.postgres
def test_two_that_wait_for_each_other_end_with_one_that_may_try_again(postgres):
    with postgres.transaction() as tx:
        tracks = [tx.catalogue.add_track(new_track()) for _ in range(2)]
    barrier = threading.Barrier(2)

    def cross(place):
        with postgres.transaction() as tx:
            tx.catalogue.set_audio_key(tracks[place].id, "x")
            barrier.wait(10)
            tx.catalogue.set_audio_key(tracks[1 - place].id, "x")

    results = at_once(2, cross)
    assert sorted(type(result).__name__ for result in results) == ["DatabaseUnavailable", "NoneType"]


@pytest.mark.postgres
def test_text_too_long_for_its_column_is_an_invalid_request(postgres):
    with pytest.raises(InvalidRequest), postgres.transaction() as tx:
        tx.catalogue.add_library(Library(new_id(), "x" * 1000))


@pytest.mark.postgres
def test_servers_and_databases_that_are_not_there_are_unavailable(postgres_url):
    for wrong in (make_url(postgres_url).set(port=1), make_url(postgres_url).set(database="nosuch")):
        database = SqlDatabase(wrong.render_as_string(hide_password=False))
        with pytest.raises(DatabaseUnavailable, match="SOUNDKIN_DATABASE_URL"):
            database.ping()
        database.close()


@pytest.mark.parametrize(
    "url",
    ["", "soundkin.db", "mysql://host/x", "sqlite://", "sqlite:///:memory:", "postgresql+nosuch://x:secret@y:z/"],
)
def test_a_url_of_no_known_database_is_a_configuration_error(url):
    with pytest.raises(ConfigurationError, match="expected sqlite:///") as refused:
        SqlDatabase(url)
    assert "secret" not in str(refused.value)


def test_a_file_that_is_no_database_is_told_apart(tmp_path):
    (tmp_path / "x").write_bytes(b"RIFF" * 1000)
    database = SqlDatabase(f"sqlite:///{tmp_path / 'x'}")
    with pytest.raises(ConfigurationError, match="no SQLite database"):
        database.ping()
    database.close()


def test_a_database_file_that_cannot_be_opened_is_unavailable(tmp_path):
    (tmp_path / "folder").mkdir()
    database = SqlDatabase(f"sqlite:///{tmp_path / 'folder'}")
    with pytest.raises(DatabaseUnavailable):
        database.ping()
    database.close()


def test_a_full_disk_is_told_apart_and_nothing_of_the_transaction_stays(sqlite):
    with sqlite.transaction() as tx:
        pages = tx.catalogue._connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.catalogue._connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 10}")

    def fill():
        with sqlite.transaction() as tx:
            tx.catalogue.add_library(Library(new_id(), "full"))
            tx.catalogue.add_track(new_track(metadata=Metadata("x" * 200_000)))

    with pytest.raises(StorageFull, match="make room"):
        fill()
    with sqlite.transaction(read_only=True) as tx:
        assert len(tx.catalogue.libraries()) == 1


def test_a_database_locked_for_too_long_is_unavailable(sqlite_url, monkeypatch):
    monkeypatch.setattr("app.adapters.sql_engine.BUSY_S", 0.1)
    database = SqlDatabase(sqlite_url)
    database.ping()
    with sqlite3.connect(make_url(sqlite_url).database, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable, match="try again"), database.transaction():
            pass
        with database.transaction(read_only=True) as tx:
            assert len(tx.catalogue.libraries()) == 1
    other.close()
    database.close()


def test_a_database_whose_connections_are_all_in_use_is_unavailable(sqlite, monkeypatch):
    sqlite.ping()
    monkeypatch.setattr(sqlite._engine.pool, "_timeout", 0.01)
    with ExitStack() as busy:
        taken = (busy.enter_context(sqlite.transaction(read_only=True)) for _ in range(100))
        with pytest.raises(DatabaseUnavailable, match="in use"):
            list(taken)
    sqlite.ping()


def test_a_file_is_durable_and_shared(sqlite):
    with sqlite.transaction() as tx:
        pragmas = {
            name: tx.catalogue._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_the_folder_of_the_file_is_made(tmp_path):
    path = tmp_path / "a" / "b" / "x.sqlite3"
    database = SqlDatabase(f"sqlite:///{path}")
    database.ping()
    database.close()
    assert path.is_file()


def test_a_relative_file_is_under_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    database = SqlDatabase("sqlite:///data/x.sqlite3")
    database.ping()
    database.close()
    assert Path("data/x.sqlite3").is_file()


def plan(folder, condition):
    """How SQLite goes about a condition on the tracks of a library."""
    asked = f"SELECT number FROM track WHERE library_id = 'x' AND kind = 'track' AND {condition}"
    with closing(sqlite3.connect(folder / "large.sqlite3")) as connection:
        return connection.execute(f"EXPLAIN QUERY PLAN {asked}").fetchone()[-1]


def test_sqlite_finds_few_tracks_of_a_large_library_without_walking_through_it(tmp_path):
    url = f"sqlite:///{tmp_path / 'large.sqlite3'}"
    with closing(SqlDatabase(url)) as database:
        with database.transaction() as tx:
            for number in range(3000):
                audio = StoredAudio(None, f"{number:064}", 1, "audio/wav", "a.wav")
                metadata = Metadata(artist=f"Artist {number // 10}")
                tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, metadata, audio))
        assert "library_id" in plan(tmp_path, "number IN (1, 2)"), "nothing was counted yet"
        database.tidy()
        assert "INTEGER PRIMARY KEY" in plan(tmp_path, "number IN (1, 2)")
        assert "artist_folded" in plan(tmp_path, "artist_folded = 'x'")
        assert "autoindex_track_1" in plan(tmp_path, "id IN ('x')")


def test_tidying_again_and_on_every_database_does_no_harm(database):
    for _ in range(2):
        database.tidy()
    database.ping()


def test_connections_that_are_open_hear_of_what_was_counted(tmp_path):
    url = f"sqlite:///{tmp_path / 'large.sqlite3'}"
    question = text("EXPLAIN QUERY PLAN SELECT * FROM track WHERE number IN (1, 2) AND library_id = 'x'")

    def plan_in(tx):
        return tx.catalogue._connection.execute(question).one()[-1]

    with closing(SqlDatabase(url)) as database:
        for count in (5, 3000):
            with database.transaction() as tx:
                for _ in range(count):
                    audio = StoredAudio(None, new_id(), 1, "audio/wav", "a.wav")
                    tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio))
            with ExitStack() as stack:
                for _ in range(3):
                    stack.enter_context(database.transaction(read_only=True))
            database.tidy()
        with ExitStack() as stack:
            for _ in range(4):
                assert "PRIMARY KEY" in plan_in(stack.enter_context(database.transaction(read_only=True)))
