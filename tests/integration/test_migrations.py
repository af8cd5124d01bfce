"""One history of migrations for both databases."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

import migrations
from app.adapters.sql_database import SqlDatabase
from app.adapters.sql_engine import open_migration_engine, parse_url
from app.adapters.sql_schema import newest_revision
from app.adapters.tables import encoder, metadata
from app.domain import DEFAULT_LIBRARY, Library, Metadata, Space, StoredAudio, Track, TrackKind, new_id
from app.errors import ConfigurationError
from app.tag_directions import TagDirections


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def bare_url(request, tmp_path):
    """URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new folder' / 'bare.sqlite3'}"
    return request.getfixturevalue("empty_postgres_url")


@pytest.fixture
def bare(bare_url):
    """A database without tables."""
    database = SqlDatabase(bare_url)
    yield database
    database.close()


@pytest.fixture
def connection(bare_url):
    """A connection that changes tables as it likes."""
    engine = open_migration_engine(parse_url(bare_url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def tables_of(connection):
    tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    connection.rollback()
    return tables


def test_tables_come_up_go_down_and_come_up_again(bare, connection):
    assert bare.revision() is None
    for _ in range(2):
        bare.migrate()
        assert bare.revision() == newest_revision()
        assert tables_of(connection) == set(metadata.tables)
        bare.downgrade("base")
        assert bare.revision() is None
        assert tables_of(connection) == set()


def test_every_single_step_goes_down_and_up(bare):
    bare.migrate()
    while bare.revision() is not None:
        bare.downgrade("-1")
        below = bare.revision()
        bare.migrate()
        bare.downgrade(below or "base")


def test_migrating_twice_changes_nothing(bare):
    bare.migrate()
    with bare.transaction() as tx:
        tx.catalogue.add_library(Library("01900000-0000-7000-8000-000000000001", "mine"))
    bare.migrate()
    with bare.transaction(read_only=True) as tx:
        assert [library.name for library in tx.catalogue.libraries()] == ["default", "mine"]


def test_migrations_make_the_tables_that_the_code_describes(bare, connection):
    bare.migrate()
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, metadata) == []


def test_a_new_database_has_the_default_library_and_no_changes(bare):
    bare.migrate()
    with bare.transaction(read_only=True) as tx:
        assert tx.catalogue.libraries() == [Library(DEFAULT_LIBRARY, "default")]
        assert tx.changes.last_seq() == 0


def test_an_encoder_from_before_tags_had_directions_keeps_working_until_its_worker_brings_them(bare, connection):
    bare.migrate()
    bare.downgrade("0001")
    old = {"id": new_id(), "name": "old", "version": "1", "digest": "d" * 64, "state": "ready", "is_default": True}
    values = old | {"spaces": [["mood", 2, ""]], "tags": {"mood": ["calm", "dark"]}}
    connection.execute(encoder.insert().values(values))
    connection.commit()
    bare.migrate()
    with bare.transaction() as tx:
        [known] = tx.catalogue.encoders()
        assert (known.name, known.spaces, known.tags) == ("old", (Space("mood", 2),), {})
        tags = TagDirections(("calm", "dark"), *(np.ones(shape, np.float32) for shape in ((2, 2), 2, 2)))
        complete = replace(known, tags={"mood": tags})
        assert tx.catalogue.announce_encoder(replace(complete, id=new_id())) == complete
        assert tx.catalogue.encoders() == [complete]


def test_the_tags_of_tracks_from_before_they_were_counted_are_counted(bare, connection):
    bare.migrate()
    for number, (tags, kind) in enumerate(
        [(("Piano", "calm"), "track"), (("piano",), "track"), (("calm",), "clip")]
    ):
        audio = StoredAudio(None, f"{number:064}", 1, "audio/wav", "x.wav")
        track = Track(new_id(), DEFAULT_LIBRARY, TrackKind(kind), Metadata(tags=tags), audio)
        with bare.transaction() as tx:
            tx.catalogue.add_track(track)
    bare.downgrade("0005")
    assert "tag_count" not in tables_of(connection)
    bare.migrate()
    with bare.transaction(read_only=True) as tx:
        assert tx.catalogue.count_tags(DEFAULT_LIBRARY) == {"piano": 2, "calm": 1}
    with bare.transaction() as tx:
        tx.catalogue.delete_track(DEFAULT_LIBRARY, tx.catalogue.list_tracks(DEFAULT_LIBRARY).items[-1].id)
        assert tx.catalogue.count_tags(DEFAULT_LIBRARY) == {"piano": 1}


def test_a_database_newer_than_the_code_is_refused(bare_url, bare, connection):
    bare.migrate()
    connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    connection.commit()
    later = SqlDatabase(bare_url)
    for use in (
        later.migrate,
        later.ping,
        lambda: later.downgrade("base"),
        lambda: later.transaction().__enter__(),
    ):
        with pytest.raises(ConfigurationError, match="9999, which is newer than this Soundkin knows"):
            use()
    later.close()
    assert tables_of(connection) == set(metadata.tables)


def test_an_unknown_version_to_go_back_to_is_refused(bare):
    bare.migrate()
    with pytest.raises(ConfigurationError, match="nosuch"):
        bare.downgrade("nosuch")


def test_the_embedded_database_migrates_itself_at_its_first_use(tmp_path):
    database = SqlDatabase(f"sqlite:///{tmp_path / 'a' / 'b.sqlite3'}")
    database.ping()
    assert database.revision() == newest_revision()
    database.close()


@pytest.mark.postgres
def test_a_shared_database_waits_for_its_operator(empty_postgres_url):
    database = SqlDatabase(empty_postgres_url)
    with pytest.raises(ConfigurationError, match="soundkin db migrate"):
        database.ping()
    database.migrate()
    database.ping()
    database.close()


def test_threads_that_migrate_at_once_do_not_collide(bare_url):
    def migrate(_):
        database = SqlDatabase(bare_url)
        database.migrate()
        revision = database.revision()
        database.close()
        return revision

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(migrate, range(6))) == {newest_revision()}


@pytest.mark.slow
def test_processes_that_start_at_once_do_not_collide(bare_url):
    program = """
import sys
from app.adapters.sql_database import SqlDatabase
database = SqlDatabase(sys.argv[1])
database.migrate()
with database.transaction() as tx:
    assert len(tx.catalogue.libraries()) == 1
"""
    started = [subprocess.Popen([sys.executable, "-c", program, bare_url]) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0] * 3


def test_a_migration_that_fails_leaves_everything_as_it_was(bare, connection, monkeypatch):
    monkeypatch.setattr("alembic.operations.Operations.bulk_insert", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bare.migrate()
    assert bare.revision() is None
    assert tables_of(connection) == set()


@pytest.mark.slow
def test_alembic_works_from_the_command_line(bare_url):
    ini = Path(migrations.__file__).parent / "alembic.ini"

    def alembic(*arguments):
        command = [sys.executable, "-m", "alembic", "-c", str(ini), *arguments]
        environment = os.environ | {"SOUNDKIN_DATABASE_URL": bare_url}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    alembic("upgrade", "head")
    alembic("check")
    assert newest_revision() in alembic("current")
