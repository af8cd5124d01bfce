"""Redis is only the doorbell: without it everything goes on, a little later."""

import time

import pytest
import redis

from app.adapters.doorbell import KEY, MAX_UNHEARD, RedisDoorbell
from app.domain import JobState
from app.errors import Transient

pytestmark = pytest.mark.redis


@pytest.fixture
def bell(redis_to_kill):
    return RedisDoorbell(redis_to_kill.url)


def test_a_ring_wakes_who_waits(bell, redis_to_kill):
    RedisDoorbell(redis_to_kill.url).ring()
    started = time.monotonic()
    bell.wait(3)
    assert time.monotonic() - started < 1


def test_without_a_ring_the_wait_ends_by_itself(bell):
    started = time.monotonic()
    bell.wait(0.3)
    assert 0.25 < time.monotonic() - started < 2


def test_rings_that_nobody_hears_do_not_pile_up(bell, redis_to_kill):
    for _ in range(100):
        bell.ring()
    client = redis.Redis.from_url(redis_to_kill.url)
    assert client.llen(KEY) == MAX_UNHEARD
    client.close()


def test_while_the_server_is_away_nothing_raises_and_the_wait_sleeps(bell, redis_to_kill):
    redis_to_kill.kill()
    started = time.monotonic()
    bell.ring()
    bell.ring()
    assert time.monotonic() - started < 1.5
    bell.wait(0.3)
    assert time.monotonic() - started >= 0.3
    assert bell.errors == 1
    with pytest.raises(Transient, match="SOUNDKIN_REDIS_URL"):
        bell.ping()


def test_a_server_that_is_back_is_used_again(bell, redis_to_kill, monkeypatch):
    monkeypatch.setattr("app.adapters.doorbell.RECONNECT_S", 0.1)
    redis_to_kill.kill()
    bell.ring()
    redis_to_kill.start()
    time.sleep(0.2)
    bell.ring()
    started = time.monotonic()
    bell.wait(3)
    assert time.monotonic() - started < 1


def test_redis_comes_goes_and_comes_back_empty_and_no_job_is_lost(sqlite_stage, redis_to_kill):
    stage, bell = sqlite_stage, RedisDoorbell(redis_to_kill.url)
    redis_to_kill.kill()  # down when the worker starts
    jobs = [stage.add("work 0.2")]
    stage.start(REDIS_URL=redis_to_kill.url)
    stage.wait_until(jobs[0], JobState.DONE)
    redis_to_kill.start()
    for round_number in range(9):
        jobs.append(stage.add("work 0.4"))
        bell.ring()
        if round_number == 3:
            redis_to_kill.kill()
        if round_number == 6:
            redis_to_kill.start()
    for job in jobs:
        finished = stage.wait_until(job, JobState.DONE)
        assert (finished.attempts, finished.crashes, finished.losses) == (0, 0, 0)
        assert stage.effects(job) == 1
