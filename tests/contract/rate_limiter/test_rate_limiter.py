"""What every rate limiter does."""

import concurrent.futures
import time
import uuid
from contextlib import closing

import pytest

from app.adapters import rate_limiter
from app.adapters.rate_limiter import MemoryRateLimiter, RedisRateLimiter


@pytest.fixture(autouse=True)
def _patience(monkeypatch):
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(rate_limiter, "PATIENCE_S", 30.0)


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
def limiter(request):
    made = (
        MemoryRateLimiter() if request.param == "memory" else RedisRateLimiter(request.getfixturevalue("redis_url"))
    )
    with closing(made):
        yield made


@pytest.fixture
def subject():
    """Somebody who never asked before."""
    return f"test/{uuid.uuid4()}"


def test_so_many_are_granted_as_the_limit_says_and_no_more(limiter, subject):
    taken = [limiter.take(subject, 3) for _ in range(5)]
    assert [each.granted for each in taken] == [True, True, True, False, False]
    assert [each.remaining for each in taken] == [2, 1, 0, 0, 0]
    assert {each.limit for each in taken} == {3}
    assert all(0 <= each.reset_s <= 60 for each in taken)


def test_subjects_are_counted_apart(limiter, subject):
    assert limiter.take(subject, 1).granted
    assert not limiter.take(subject, 1).granted
    assert limiter.take(f"{subject}/other", 1).granted


def test_looking_does_not_count(limiter, subject):
    for _ in range(3):
        assert (limiter.look(subject, 2).granted, limiter.look(subject, 2).remaining) == (True, 2)
    limiter.take(subject, 2)
    limiter.take(subject, 2)
    assert (limiter.look(subject, 2).granted, limiter.look(subject, 2).remaining) == (False, 0)


def test_what_comes_at_once_is_counted_once_each(limiter, subject):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: limiter.take(subject, 20), range(60)))
    assert sum(each.granted for each in taken) == 20


@pytest.mark.redis
def test_several_processes_share_one_count(redis_url, subject):
    with closing(RedisRateLimiter(redis_url)) as one, closing(RedisRateLimiter(redis_url)) as other:
        assert (one.take(subject, 2).granted, other.take(subject, 2).granted) == (True, True)
        assert (one.take(subject, 2).granted, other.take(subject, 2).granted) == (False, False)


def test_a_redis_that_is_away_grants_everything_soon_and_says_so_once(monkeypatch, subject):
    said = []
    monkeypatch.setattr(rate_limiter.log, "warning", lambda event, **values: said.append((event, values)))
    limiter = RedisRateLimiter("redis://127.0.0.1:1/0")
    started = time.monotonic()
    taken = [limiter.take(subject, 1) for _ in range(50)]
    assert time.monotonic() - started < 2
    assert all(each.granted and each.remaining == 1 for each in taken)
    assert limiter.look(subject, 1).granted
    assert [event for event, _ in said] == ["rate limits away"]
    assert "127.0.0.1:1" in said[0][1]["error"]
    limiter.close()
