"""How often a key may ask, and how that is told."""

import httpx
import pytest

from app.domain import DEFAULT_LIBRARY
from app.keys import Scope
from app.services.access import AccessService


def bearer(service, scope=Scope.READ):
    access = AccessService(service.database, admin_key=None, loopback=True)
    _, secret = access.create_key(DEFAULT_LIBRARY, "test", scope)
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def limited(serve):
    """A service whose keys may ask three times a minute."""
    return serve(rate_limit=3)


def test_a_key_that_asks_too_often_is_told_when_to_ask_again(limited):
    key = bearer(limited)
    answers = [limited.http.get("/v1/tracks", headers=key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert {answer.headers["ratelimit-limit"] for answer in answers} == {"3"}
    assert all(0 <= int(answer.headers["ratelimit-reset"]) <= 60 for answer in answers)
    refused = answers[-1]
    assert refused.json()["type"] == "urn:soundkin:problem:rate-limited"
    assert "SOUNDKIN_RATE_LIMIT" in refused.json()["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_what_is_refused_or_not_found_counts_too_and_says_what_is_left(limited):
    key = bearer(limited)
    assert limited.http.get("/v1/keys", headers=key).headers["ratelimit-remaining"] == "2"
    gone = limited.http.get("/v1/tracks/00000000-0000-7000-8000-000000000009", headers=key)
    assert (gone.status_code, gone.headers["ratelimit-remaining"]) == (404, "1")


def test_keys_are_counted_apart_and_a_session_with_its_key(limited):
    key, other = bearer(limited), bearer(limited)
    secret = key["Authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=limited.url, trust_env=False) as browser:
        browser.post("/v1/session", json={"key": secret})
        assert [browser.get("/v1/tracks").status_code for _ in range(2)] == [200] * 2
        assert browser.get("/v1/tracks").status_code == 429
    assert limited.http.get("/v1/tracks", headers=key).status_code == 429
    assert limited.http.get("/v1/tracks", headers=other).status_code == 200


def test_logins_count_among_the_requests_of_their_key(limited):
    key = bearer(limited)
    body = {"key": key["Authorization"].removeprefix("Bearer ")}
    answers = [limited.http.post("/v1/session", json=body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert ("set-cookie" in answers[-1].headers, "retry-after" in answers[-1].headers) == (False, True)
    assert limited.http.get("/v1/tracks", headers=key).status_code == 429


def test_who_watches_over_the_service_and_its_pages_are_not_counted(limited):
    key = bearer(limited)
    for path in ("/metrics", "/healthz", "/readyz", "/", "/favicon.ico", "/openapi.json"):
        for _ in range(4):
            answer = limited.http.get(path, headers=key)
            assert (answer.status_code != 429, "ratelimit-limit" in answer.headers) == (True, False), path
    assert limited.http.get("/v1/tracks", headers=key).headers["ratelimit-remaining"] == "2"


@pytest.mark.parametrize("settings", [{"rate_limit": 0}, {}])
def test_without_a_limit_or_without_keys_nobody_is_counted(serve, settings):
    service = serve(**settings)
    key = bearer(service) if settings else {}
    answers = [service.http.get("/v1/tracks", headers=key) for _ in range(5)]
    assert {(answer.status_code, "ratelimit-limit" in answer.headers) for answer in answers} == {(200, False)}
