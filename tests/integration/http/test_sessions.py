"""Sessions of browsers: from a key to a cookie, what the cookie may, and how it ends."""

import contextlib
from datetime import timedelta

import httpx
import pytest

from app.domain import DEFAULT_LIBRARY, Library, new_id, utc_now
from app.keys import Scope
from app.services.access import AccessService
from app.services.credentials import hash_secret
from app.services.housekeeping import forget_sessions
from app.services.rate_limits import LOGIN_FAILURES
from app.services.sessions import SESSION_LIFE

ADMIN_KEY = "sk_from_outside" * 3


def made_key(database, scope=Scope.ADMIN, library=DEFAULT_LIBRARY, **values):
    return AccessService(database, admin_key=None, loopback=True).create_key(library, "test", scope, **values)


@pytest.fixture
def browse():
    """Make a browser that has visited a service with a key or none; returns it, and what the service said."""
    with contextlib.ExitStack() as stack:

        def visited(service, secret=None, cookies=None):
            browser = httpx.Client(base_url=service.url, timeout=20, trust_env=False, cookies=cookies)
            stack.enter_context(browser)
            return (browser, browser.post("/v1/session", json={"key": secret}).json()) if secret else browser

        yield visited


@pytest.fixture
def locked(service):
    """A service with one key, of an admin; its secret stands beside."""
    service.key, service.secret = made_key(service.database)
    return service


def test_a_key_becomes_a_cookie_that_scripts_cannot_read(locked):
    answer = locked.http.post("/v1/session", json={"key": f" {locked.secret}\n"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("soundkin_session=")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/", f"Max-Age={12 * 3600}"):
        assert attribute in cookie
    assert "Secure" not in cookie
    assert locked.secret not in cookie + answer.text
    body = answer.json()
    assert (body["open"], body["scope"], body["library"]) == (
        False,
        "admin",
        {"id": DEFAULT_LIBRARY, "name": "default"},
    )
    assert locked.http.get("/v1/tracks").status_code == 200
    assert locked.http.get("/v1/session").json() == body


@pytest.mark.parametrize("proto", ["https", "https,http"])
def test_the_cookie_keeps_to_tls_where_the_browser_spoke_it(locked, proto):
    answer = locked.http.post("/v1/session", json={"key": locked.secret}, headers={"X-Forwarded-Proto": proto})
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_only_hashes_are_kept(locked, browse):
    browser, _ = browse(locked, locked.secret)
    token = browser.cookies["soundkin_session"]
    with locked.database.transaction() as tx:
        kept = tx.sessions.find(hash_secret(token))
    assert (token in repr(kept), kept.key_sha256) == (False, hash_secret(locked.secret))


def test_writes_by_cookie_need_the_token_that_only_our_page_knows(locked, browse):
    browser, session = browse(locked, locked.secret)
    _, another = browse(locked, locked.secret)
    body = {"name": "made by the page"}
    for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": another["csrf"]}, {"X-CSRF-Token": "ü".encode()}):
        refused = browser.post("/v1/keys", json=body, headers=wrong)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:soundkin:problem:csrf-token")
    assert browser.post("/v1/keys", json=body, headers={"X-CSRF-Token": session["csrf"]}).status_code == 201
    assert len(browser.get("/v1/keys").json()["items"]) == 2


def test_a_foreign_page_cannot_write_even_with_the_token(locked, browse):
    browser, session = browse(locked, locked.secret)
    headers = {"X-CSRF-Token": session["csrf"], "Sec-Fetch-Site": "cross-site"}
    assert browser.post("/v1/keys", json={"name": "x"}, headers=headers).status_code == 403


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_a_foreign_page_cannot_log_a_browser_in(locked, headers):
    answer = locked.http.post("/v1/session", json={"key": locked.secret}, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


def test_a_key_in_a_header_needs_no_token_and_counts_more_than_the_cookie(locked, browse):
    _, reader = made_key(locked.database, Scope.READ)
    browser, _ = browse(locked, locked.secret)
    bearer = {"Authorization": f"Bearer {reader}"}
    assert browser.post("/v1/keys", json={"name": "x"}, headers=bearer).status_code == 403
    shown = browser.get("/v1/session", headers=bearer).json()
    assert (shown["scope"], shown["csrf"]) == ("read", None)
    assert browser.get("/v1/tracks", headers={"Authorization": "Bearer sk_wrong"}).status_code == 401


def test_a_session_may_what_its_key_may(locked, browse):
    other = Library(new_id(), "other")
    with locked.database.transaction() as tx:
        tx.catalogue.add_library(other)
    _, secret = made_key(locked.database, Scope.READ, other.id)
    browser, session = browse(locked, secret)
    assert (session["library"]["name"], session["scope"]) == ("other", "read")
    refused = browser.post("/v1/keys", json={"name": "x"}, headers={"X-CSRF-Token": session["csrf"]})
    assert (refused.status_code, "'admin'" in refused.json()["detail"]) == (403, True)


def test_revoking_the_key_ends_its_sessions_at_once(locked, browse):
    key, secret = made_key(locked.database)
    browser, _ = browse(locked, secret)
    bearer = {"Authorization": f"Bearer {locked.secret}"}
    assert locked.http.delete(f"/v1/keys/{key.id}", headers=bearer).status_code == 204
    refused = browser.get("/v1/tracks")
    assert (refused.status_code, "session has ended" in refused.json()["detail"]) == (401, True)


def test_another_key_from_outside_ends_the_sessions_of_the_one_before(serve, browse):
    before = serve(admin_key=ADMIN_KEY)
    browser, _ = browse(before, ADMIN_KEY)
    assert browser.get("/v1/keys").status_code == 200
    after = serve(admin_key="sk_another" * 4, database=before.database)
    cookie = {"Cookie": f"soundkin_session={browser.cookies['soundkin_session']}"}
    assert after.http.get("/v1/keys", headers=cookie).status_code == 401


def test_a_session_lasts_a_working_day_or_as_long_as_its_key(locked, browse):
    ends = utc_now() + timedelta(hours=1)
    _, secret = made_key(locked.database, expires_at=ends)
    _, short = browse(locked, secret)
    browser, long = browse(locked, locked.secret)
    assert short["expires_at"] == ends.isoformat().replace("+00:00", "Z")
    digest = hash_secret(browser.cookies["soundkin_session"])
    with locked.database.transaction() as tx:
        session = tx.sessions.find(digest)
        tx.sessions.remove(digest)
        tx.sessions.add(type(session)(digest, session.key_sha256, utc_now() - timedelta(seconds=1)))
    assert timedelta(hours=11) < session.expires_at - utc_now() <= SESSION_LIFE
    refused = browser.get("/v1/tracks")
    assert (refused.status_code, "session has ended" in refused.json()["detail"]) == (401, True)
    assert forget_sessions(locked.database) == 1
    assert long["csrf"] != short["csrf"]


def test_logging_out_ends_the_session_and_takes_the_cookie_away(locked, browse):
    browser, session = browse(locked, locked.secret)
    kept = {"Cookie": f"soundkin_session={browser.cookies['soundkin_session']}"}
    assert browser.delete("/v1/session").status_code == 403
    assert browser.delete("/v1/session", headers={"X-CSRF-Token": session["csrf"]}).status_code == 204
    assert "soundkin_session" not in browser.cookies
    assert locked.http.get("/v1/tracks", headers=kept).status_code == 401
    assert browser.delete("/v1/session").status_code == 204


def test_giving_a_key_again_ends_the_session_before(locked, browse):
    browser, _ = browse(locked, locked.secret)
    kept = {"Cookie": f"soundkin_session={browser.cookies['soundkin_session']}"}
    browser.post("/v1/session", json={"key": locked.secret})
    assert browser.get("/v1/tracks").status_code == 200
    assert locked.http.get("/v1/tracks", headers=kept).status_code == 401


def test_without_keys_nobody_needs_a_session_and_an_old_cookie_does_no_harm(shared):
    shown = shared.http.get("/v1/session", headers={"Cookie": "soundkin_session=of-another-time"}).json()
    assert (shown["open"], shown["csrf"], shown["scope"], shown["expires_at"]) == (True, None, "admin", None)


def test_wrong_keys_are_refused_and_too_many_of_them_not_even_looked_at(locked):
    for _ in range(LOGIN_FAILURES):
        refused = locked.http.post("/v1/session", json={"key": "sk_guess"})
        assert (refused.status_code, "not known" in refused.json()["detail"]) == (401, True)
    refused = locked.http.post("/v1/session", json={"key": locked.secret})
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:soundkin:problem:rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    bearer = {"Authorization": f"Bearer {locked.secret}"}
    assert locked.http.get("/v1/tracks", headers=bearer).status_code == 200


@pytest.mark.parametrize("half", ["\\ud800", "sk_\\udfff"])
def test_half_a_surrogate_pair_is_a_wrong_key_like_any(locked, half):
    body, kind = f'{{"key": "{half}"}}', {"Content-Type": "application/json"}
    answers = [locked.http.post("/v1/session", content=body, headers=kind) for _ in range(LOGIN_FAILURES + 1)]
    assert [answer.status_code for answer in answers] == [401] * LOGIN_FAILURES + [429]
    assert "not known" in answers[0].json()["detail"]


def test_an_expired_key_begins_no_session_and_says_so(locked):
    ends = utc_now() - timedelta(hours=1)
    access = AccessService(
        locked.database, admin_key=None, loopback=True, clock=lambda: utc_now() - timedelta(hours=2)
    )
    _, secret = access.create_key(DEFAULT_LIBRARY, "short", Scope.ADMIN, ends)
    refused = locked.http.post("/v1/session", json={"key": secret})
    assert (refused.status_code, "expired on" in refused.json()["detail"]) == (401, True)


def test_events_stop_when_the_session_ends(locked, browse):
    browser, session = browse(locked, locked.secret)
    with browser.stream("GET", "/v1/events") as events:
        lines = events.iter_lines()
        assert next(lines).startswith("retry")
        logged_out = browse(locked, cookies=browser.cookies)
        assert logged_out.delete("/v1/session", headers={"X-CSRF-Token": session["csrf"]}).status_code == 204
        bearer = {"Authorization": f"Bearer {locked.secret}"}
        files = {"file": ("a.wav", b"RIFF" + bytes(100))}
        assert locked.http.post("/v1/tracks", files=files, headers=bearer).status_code == 202
        assert [line for line in lines if line.startswith("event")] == ["event: connected"]
