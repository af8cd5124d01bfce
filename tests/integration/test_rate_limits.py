"""Rate limits of the running service: in its answers, over several processes, and while Redis is away."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import httpx
import pytest

from app.adapters import rate_limiter
from app.adapters.rate_limiter import RedisRateLimiter
from app.adapters.sql_database import SqlDatabase
from app.domain import DEFAULT_LIBRARY
from app.keys import Scope
from app.services.access import AccessService

pytestmark = pytest.mark.redis


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(folder, **settings):
    """``python -m app serve`` without a worker; gives its client."""
    port = free_port()
    variables = {f"SOUNDKIN_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--no-worker", "--port", str(port)],
        env={**os.environ, "SOUNDKIN_DATA_DIR": str(folder), "SOUNDKIN_LOG_LEVEL": "warning", **variables},
        cwd=folder,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
            wait_for(client)
            yield client
    finally:
        process.terminate()
        process.wait(20)


def wait_for(client):
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/healthz").is_success:
                return
        assert time.monotonic() < deadline, "the service did not come up"
        time.sleep(0.1)


@pytest.fixture
def bearer(tmp_path):
    """The key of a service whose data lie in ``tmp_path``."""
    database = SqlDatabase(f"sqlite:///{tmp_path / 'soundkin.sqlite3'}")
    access = AccessService(database, admin_key=None, loopback=True)
    _, secret = access.create_key(DEFAULT_LIBRARY, "test", Scope.READ)
    database.close()
    return {"Authorization": f"Bearer {secret}"}


def test_two_processes_share_one_limit(tmp_path, redis_url, bearer):
    settings = {"redis_url": redis_url, "rate_limit": 10}
    with serving(tmp_path, **settings) as one, serving(tmp_path, **settings) as other:
        answers = [client.get("/v1/tracks", headers=bearer) for _ in range(6) for client in (one, other)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
        assert [int(answer.headers["ratelimit-remaining"]) for answer in answers] == [*range(9, -1, -1), 0, 0]
        assert all(client.get("/healthz").status_code == 200 for client in (one, other))


def test_a_redis_that_goes_away_does_not_take_the_service_with_it(tmp_path, redis_to_kill, bearer):
    with serving(tmp_path, redis_url=redis_to_kill.url, rate_limit=2) as client:
        statuses = [client.get("/v1/tracks", headers=bearer).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        redis_to_kill.kill()
        started = time.monotonic()
        assert {client.get("/v1/tracks", headers=bearer).status_code for _ in range(20)} == {200}
        assert time.monotonic() - started < 5


def test_a_redis_that_is_back_is_counted_with_again(redis_to_kill, monkeypatch):
    monkeypatch.setattr(rate_limiter, "RETRY_S", 0.05)
    limiter = RedisRateLimiter(redis_to_kill.url)
    assert limiter.take("somebody", 1).granted
    redis_to_kill.kill()
    assert [limiter.take("somebody", 1).granted for _ in range(3)] == [True, True, True]
    redis_to_kill.start()
    time.sleep(0.06)
    assert [limiter.take("somebody", 1).granted for _ in range(2)] == [True, False]
    limiter.close()
