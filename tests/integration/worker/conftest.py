"""Real workers as real processes on a real database, and what a test can do to them."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import make_url

from app.adapters.sql_database import SqlDatabase
from app.domain import (
    ChangeKind,
    Job,
    JobKind,
    Library,
    Metadata,
    Priority,
    StoredAudio,
    Track,
    TrackKind,
    new_id,
)

HERE = Path(__file__).parent
QUICK = {"LEASE_S": "2", "BEAT_S": "0.4", "POLL_S": "0.1", "DRAIN_S": "5", "WORKER_THREADS": "2"}


class Worker:
    """A worker in a process group of its own."""

    def __init__(self, log, environment, *arguments):
        self._log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "staged_worker.py"), *arguments],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )

    @property
    def log(self):
        return self._log.read_text()

    def child(self):
        """The process that does the work, or ``None`` between two."""
        with suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self.process.pid).children():
                if "spawn_main" in " ".join(process.cmdline()):
                    return process
        return None

    def kill_child(self):
        wait_for(lambda: self.child() is not None, 20)
        self.child().kill()

    def kill_supervisor(self):
        self.process.kill()
        self.process.wait(10)

    def kill_everything(self):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def freeze(self):
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def terminate(self):
        self.process.terminate()

    def end(self):
        self.process.stdin.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGCONT)
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@dataclass
class Stage:
    """A database with its workers."""

    url: str
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)

    def __post_init__(self):
        self.database = SqlDatabase(self.url)
        self.library = Library(new_id(), f"library {new_id()}")
        with self.database.transaction() as tx:
            tx.catalogue.add_library(self.library)

    def start(self, *arguments, **settings):
        """Start a worker; ``settings`` as in ``Settings``, in capitals."""
        scene = settings.pop("SCENE", "scenes:main")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SOUNDKIN_")},
            **{f"SOUNDKIN_{name}": value for name, value in (QUICK | self.environment | settings).items()},
            "SOUNDKIN_DATABASE_URL": self.url,
            "SOUNDKIN_DATA_DIR": str(self.folder),
            "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parents[2]}",
            "SCENE": scene,
        }
        worker = Worker(self.folder / f"worker{len(self.workers)}.log", environment, *arguments)
        self.workers.append(worker)
        return worker

    def add(self, script, priority=Priority.UPLOAD):
        """Store a track with a job that plays the script."""
        track = Track(
            new_id(),
            self.library.id,
            TrackKind.TRACK,
            Metadata(title=script),
            StoredAudio(None, new_id().replace("-", "") * 2, 1, "audio/wav", "scene.wav"),
        )
        job = Job(new_id(), self.library.id, JobKind.EMBED_TRACK, track.id, priority)
        with self.database.transaction() as tx:
            tx.catalogue.add_track(track)
            return tx.queue.enqueue(job)

    def look(self, job):
        with self.database.transaction(read_only=True) as tx:
            return tx.queue.job(self.library.id, job.id)

    def track(self, job):
        with self.database.transaction(read_only=True) as tx:
            return tx.catalogue.track(self.library.id, job.subject)

    def holder(self, job):
        """The worker that has the job in hand."""
        job = self.wait_until_acting(job)
        with self.database.transaction(read_only=True) as tx:
            [host] = [worker.host for worker in tx.queue.workers() if worker.id == job.worker_id]
        [holder] = [worker for worker in self.workers if host.endswith(f":{worker.process.pid}")]
        return holder

    def freeze(self, worker):
        """Freeze a worker when it holds nothing in the database: SQLite would wait for it for ever."""
        worker.freeze()
        while self._is_held():
            worker.thaw()
            time.sleep(0.05)
            worker.freeze()

    def cancel(self, job):
        with self.database.transaction() as tx:
            tx.queue.cancel(self.library.id, job.id)

    def retry(self, job):
        with self.database.transaction() as tx:
            tx.queue.retry(self.library.id, job.id)

    def alive(self):
        """How many workers the database believes alive."""
        with self.database.transaction(read_only=True) as tx:
            return sum(worker.alive for worker in tx.queue.workers())

    def start_several(self, count, **settings):
        """Start workers and wait until they are at work."""
        for _ in range(count):
            self.start(**settings)
        wait_for(lambda: self.alive() == count, 30, self.logs)

    def tallies(self):
        with self.database.transaction(read_only=True) as tx:
            return {tally.name: tally for tally in tx.queue.tallies()}

    def effects(self, job):
        """How often the job's result was stored."""
        with self.database.transaction(read_only=True) as tx:
            changes = tx.changes.after(0, library_id=self.library.id, limit=100_000)
        return sum(change.kind is ChangeKind.TRACK_EMBEDDED and change.subject == job.subject for change in changes)

    def wait_until(self, job, state, seconds=20):
        wait_for(lambda: self.look(job).state is state, seconds, lambda: self.report(job))
        return self.look(job)

    def wait_until_acting(self, job, seconds=20):
        """Until a worker is in the middle of the job."""
        wait_for(lambda: self.look(job).stage == "act", seconds, lambda: self.report(job))
        return self.look(job)

    def _is_held(self):
        """Whether somebody is in the middle of a change to workers or jobs."""
        url = make_url(self.url)
        try:
            if url.get_backend_name() == "sqlite":
                with closing(sqlite3.connect(url.database, timeout=0.2, isolation_level=None)) as file:
                    file.execute("BEGIN IMMEDIATE")
                return False
            with psycopg.connect(self.url, options="-c lock_timeout=200") as server:
                server.execute("SELECT FROM worker FOR UPDATE")
                server.execute("SELECT FROM job FOR UPDATE")
        except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable):
            return True
        return False

    def report(self, job):
        return f"{self.look(job)}\n{self.logs()}"

    def logs(self):
        return "\n".join(f"--- worker {number}\n{worker.log}" for number, worker in enumerate(self.workers))

    def close(self):
        for worker in self.workers:
            worker.end()
        self.database.close()


def wait_for(condition, seconds, report=lambda: ""):
    """Wait until it holds; return how long that took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + seconds, f"not within {seconds} s\n{report()}"
        time.sleep(0.05)
    return time.monotonic() - started


@pytest.fixture(name="wait_for")
def wait_for_fixture():
    return wait_for


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def stage(request, tmp_path):
    """A stage on a database of each kind."""
    if request.param == "sqlite":
        url = request.getfixturevalue("sqlite_url")
    else:
        url = migrated(request.getfixturevalue("empty_postgres_url"))
    stage = Stage(url, tmp_path)
    yield stage
    stage.close()


@pytest.fixture
def sqlite_stage(sqlite_url, tmp_path):
    """A stage where the kind of database does not matter."""
    stage = Stage(sqlite_url, tmp_path)
    yield stage
    stage.close()


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def running(request, tmp_path_factory):
    """A stage with one worker, for all tests of a file that do it no harm."""
    folder = tmp_path_factory.mktemp("running")
    if request.param == "sqlite":
        template = request.getfixturevalue("sqlite_template")
        url = f"sqlite:///{shutil.copy(template, folder / 'soundkin.sqlite3')}"
    else:
        url = migrated(request.getfixturevalue("module_postgres_url"))
    stage = Stage(url, folder)
    stage.start_several(1)
    yield stage
    stage.close()


@pytest.fixture
def stage_to_stop(postgres_to_stop, tmp_path):
    """A stage on that PostgreSQL."""
    stage = Stage(postgres_to_stop.url, tmp_path)
    yield stage
    stage.close()


def migrated(url):
    database = SqlDatabase(url)
    database.migrate()
    database.close()
    return url
