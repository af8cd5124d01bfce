"""Databases of every kind, for whoever needs one: fresh, migrated and empty for each test."""

import os
import shutil
import uuid
from contextlib import contextmanager

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import make_url

from app.adapters.memory_database import MemoryDatabase
from app.adapters.sql_database import SqlDatabase
from app.adapters.tables import change_counter, library, metadata
from app.domain import DEFAULT_LIBRARY

os.environ.setdefault("SOUNDKIN_ENCODERS", "librosa")  # one is enough where a test does not ask for more

POSTGRES_SERVER = os.environ.get("SOUNDKIN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
REDIS_SERVER = os.environ.get("SOUNDKIN_TEST_REDIS", "redis://127.0.0.1:6379/0")


def absent(server, error):
    """A missing server skips at a desk and fails in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{server} is needed in CI: {error}")
    pytest.skip(f"no {server}: {error}")


@pytest.fixture(scope="session")
def postgres_server():
    """URL of a PostgreSQL server on which databases may be created."""
    try:
        psycopg.connect(POSTGRES_SERVER, connect_timeout=3).close()
    except psycopg.OperationalError as error:
        absent("PostgreSQL", error)
    return POSTGRES_SERVER


@pytest.fixture
def empty_postgres_url(postgres_server):
    """URL of a new PostgreSQL database without tables, dropped after the test."""
    with created_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def module_postgres_url(postgres_server):
    """URL of a new PostgreSQL database without tables, for the tests of one file."""
    with created_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_url(postgres_server):
    """URL of a migrated PostgreSQL database of this session; ``database`` empties it for each test."""
    with created_database(postgres_server, synchronous_commit=False) as url:
        database = SqlDatabase(url)
        database.migrate()
        database.close()
        yield url


@pytest.fixture(scope="session")
def postgres_cleaner(postgres_url):
    """A connection that removes every row but those that a migration makes."""
    kept = {library.name, change_counter.name}
    emptied = [f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables) if table.name not in kept]
    emptied += [f"DELETE FROM library WHERE id <> '{DEFAULT_LIBRARY}'", "UPDATE change_counter SET value = 0"]
    with psycopg.connect(postgres_url, autocommit=True, application_name="cleaner") as connection:
        yield lambda: connection.execute(";".join(emptied))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A migrated SQLite file of this session, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite3"
    database = SqlDatabase(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path):
    """URL of a migrated, empty SQLite file of this test alone."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'soundkin.sqlite3')}"


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request):
    """A database of each kind, empty but for the default library."""
    if request.param == "memory":
        yield MemoryDatabase()
        return
    url = request.getfixturevalue(f"{request.param}_url")
    if request.param == "postgres":
        request.getfixturevalue("postgres_cleaner")()
    opened = SqlDatabase(url)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def redis_url():
    """URL of a Redis server; use keys or channels of your own."""
    client = redis.Redis.from_url(REDIS_SERVER, socket_connect_timeout=3)
    try:
        client.ping()
    except redis.ConnectionError as error:
        absent("Redis", error)
    finally:
        client.close()
    return REDIS_SERVER


@contextmanager
def created_database(server, *, synchronous_commit=True):
    """Create a database of a unique name, and drop it afterwards, whoever is still connected."""
    name = sql.Identifier(f"soundkin_test_{uuid.uuid4().hex}")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        if not synchronous_commit:  # tests that crash no server need not wait for its disk
            connection.execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit TO off").format(name))
        try:
            yield make_url(server).set(database=name.as_string().strip('"')).render_as_string(hide_password=False)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
