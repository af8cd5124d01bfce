"""Servers of a test's own, that it may stop, kill and start again."""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import redis

from app.adapters.sql_database import SqlDatabase

POSTGRES_BIN = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """Redis without persistence: what it knew is gone when it ends."""

    def __init__(self, folder):
        self._folder = folder
        self._port = free_port()
        self._process = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self):
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + 10
        while True:
            try:
                client.ping()
                break
            except redis.RedisError:
                assert time.monotonic() < deadline, "Redis did not start within 10 s"
                time.sleep(0.05)
        client.close()

    def kill(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None


class PostgresServer:
    """PostgreSQL with one migrated database, ``soundkin``."""

    def __init__(self):
        self._folder = Path(tempfile.mkdtemp(prefix="soundkin-postgres-"))
        self._port = free_port()
        self._prefix = []
        if getpass.getuser() == "root":  # PostgreSQL does not run as root
            shutil.chown(self._folder, "postgres")
            self._prefix = ["runuser", "-u", "postgres", "--"]
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/soundkin"
        self._run("initdb", "--username=postgres", "--auth=trust", "--no-sync")
        self.start()
        with psycopg.connect(self.url.replace("/soundkin", "/postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE soundkin")
        database = SqlDatabase(self.url)
        database.migrate()
        database.close()

    def start(self):
        options = f"-p {self._port} -k '' -c listen_addresses=127.0.0.1"
        self._run("pg_ctl", "start", "--wait", "--log", str(self._folder / "log"), "-o", options)

    def stop(self):
        """Stop as in a power cut: no goodbye, and recovery from the log at the next start."""
        self._run("pg_ctl", "stop", "--mode=immediate")

    def close(self):
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self._folder)

    def _run(self, program, *arguments):
        command = [*self._prefix, str(POSTGRES_BIN / program), "-D", str(self._folder / "data"), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder)


@pytest.fixture
def redis_to_kill(tmp_path):
    """A Redis that the test may kill and start."""
    if shutil.which("redis-server") is None:
        absent("redis-server")
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def postgres_to_stop():
    """A PostgreSQL that the test may stop and start."""
    if POSTGRES_BIN is None:
        absent("initdb and pg_ctl")
    server = PostgresServer()
    yield server
    server.close()


def absent(program):
    """A missing server skips at a desk and fails in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{program} is needed in CI and is not installed")
    pytest.skip(f"{program} is not installed")
