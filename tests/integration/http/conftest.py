"""A real server on a free port over ports in memory, and a stand-in for the worker."""

import contextlib
import threading
import time
from datetime import timedelta

import httpx
import numpy as np
import pytest
import uvicorn

from app.adapters.doorbell import SilentDoorbell
from app.adapters.memory_audio_store import MemoryAudioStore
from app.adapters.memory_database import MemoryDatabase
from app.adapters.memory_index import MemoryIndex
from app.adapters.memory_webhooks import MemoryWebhookSender
from app.adapters.rate_limiter import MemoryRateLimiter
from app.domain import (
    ChangeKind,
    Embedding,
    EncoderInfo,
    Metadata,
    Space,
    TrackState,
    WorkerInfo,
    new_id,
    utc_now,
)
from app.errors import AudioRefused
from app.logs import configure_logging
from app.main import create_app
from app.ports import Ports, Probe
from app.services.hearing import listen
from app.settings import Settings

LEASE = timedelta(seconds=60)


class RiffProbe:
    """Takes what begins with RIFF; counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def probe(self, path):
        self.asked += 1
        with path.open("rb") as file:
            if file.read(4) != b"RIFF":
                raise AudioRefused("This file is not audio that can be used: no RIFF.")
        return Probe(
            "audio/wav", "pcm_s16le", 44_100, 2, 1.0, Metadata(title="Embedded", artist="Tag", tags=("wav",))
        )

    def close(self):
        pass


class FakeWorker:
    """Does jobs at once: every track gets a vector made of its bytes' digest."""

    def __init__(self, database, tags=None, components=None):
        self.database = database
        self.id = new_id()
        spaces = (Space("timbre", 4), Space("rhythm", 2))
        self.encoder = EncoderInfo(new_id(), "fake", "1", "d" * 64, spaces, tags or {}, components or {})
        with database.transaction() as tx:
            self.encoder = tx.catalogue.announce_encoder(self.encoder)
            tx.changes.append("00000000-0000-7000-8000-000000000001", ChangeKind.ENCODER_UPDATED, self.encoder.id)
            tx.queue.register(WorkerInfo(self.id, "test", "cpu", utc_now() + LEASE, alive=True), LEASE)

    def work(self, max_priority=9):
        """Do what waits; return how many jobs that was."""
        with self.database.transaction() as tx:
            jobs = tx.queue.claim(self.id, limit=100, deadline=LEASE, max_priority=max_priority)
        for job in jobs:
            self._do(job)
        return len(jobs)

    def refuse(self, reason="not decodable"):
        with self.database.transaction() as tx:
            for job in tx.queue.claim(self.id, limit=100, deadline=LEASE):
                tx.queue.fail(job.id, job.token, code="AudioUnreadable", message=reason, retry=False)
                tx.catalogue.set_state(job.subject, TrackState.FAILED)

    def _do(self, job):
        with self.database.transaction() as tx:
            track = tx.catalogue.track(job.library_id, job.subject)
            rng = np.random.default_rng(int(track.audio.sha256[:8], 16))
            vector = np.concatenate([unit(rng, 4), unit(rng, 2)]).astype(np.float32)
            spans = np.array([[0, 3], [3, 6]], np.float32)
            tx.catalogue.save_embedding(
                track.id, Embedding(self.encoder.id, vector, spans, np.stack([vector, vector]))
            )
            tx.catalogue.set_state(track.id, TrackState.READY)
            listen(tx, [track.number])
            tx.changes.append(job.library_id, ChangeKind.TRACK_EMBEDDED, track.id, track.number)
            tx.queue.finish(job.id, job.token)


def unit(rng, dimension):
    vector = rng.normal(size=dimension)
    return vector / np.linalg.norm(vector)


class Service:
    """A running service with a client."""

    def __init__(self, app, ports, url):
        self.app = app
        self.ports = ports
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=20, trust_env=False)

    @property
    def database(self):
        return self.ports.database

    def upload(self, content=b"RIFF" + bytes(1000), name="a.wav", path="/v1/tracks", **fields):
        return self.http.post(path, files={"file": (name, content)}, data=fields)

    def until(self, condition, within_s=5.0):
        deadline = time.monotonic() + within_s
        while not (found := condition()):
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.02)
        return found

    def indexed(self):
        """Wait until searches see all that the database has."""
        with self.database.transaction() as tx:
            last = tx.changes.last_seq()
        self.until(lambda: self.app.state.assembly.keeper.applied_seq >= last)


@contextlib.contextmanager
def running(app, ports):
    server = uvicorn.Server(
        uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        service = Service(app, ports, f"http://127.0.0.1:{port}")
        with service.http:
            yield service
    finally:
        app.state.assembly.feed.stop()
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session", autouse=True)
def _plain_logs():
    configure_logging("error", json=False)


def prepared(folder, given):
    """Make an application with ports in memory; ``given`` holds settings, or ports by name."""
    ports = {
        "database": MemoryDatabase(),
        "store": MemoryAudioStore(),
        "probe": RiffProbe(),
        "doorbell": SilentDoorbell(),
        "new_index": lambda _, encoder: MemoryIndex(encoder),
        "limiter": MemoryRateLimiter(),
        "sender": MemoryWebhookSender(),
    }
    ports |= {name: given.pop(name) for name in list(given) if name in ports}
    made = Ports(**ports)
    return create_app(Settings(_env_file=None, data_dir=folder, encoders=("fake",), **given), made), made


@pytest.fixture
def serve(tmp_path):
    """Start a service; keyword arguments are settings, or ports by name. Stopped after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **given: stack.enter_context(running(*prepared(tmp_path, given)))


@pytest.fixture(scope="module")
def serve_all(tmp_path_factory):
    """As ``serve``, for all tests of a file."""
    with contextlib.ExitStack() as stack:
        yield lambda **given: stack.enter_context(running(*prepared(tmp_path_factory.mktemp("all"), given)))


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A service of all tests of a file that leave nothing behind."""
    with running(*prepared(tmp_path_factory.mktemp("shared"), {})) as service:
        yield service


@pytest.fixture
def service(serve):
    """A service with ordinary settings."""
    return serve()


@pytest.fixture
def worker(service):
    """Somebody who does the jobs of ``service``."""
    return FakeWorker(service.database)


@pytest.fixture(scope="session")
def employ():
    """Make a worker for any service."""
    return lambda service, **options: FakeWorker(service.database, **options)
