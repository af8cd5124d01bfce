"""Headers that every response carries, whatever becomes of the request."""

import re

import pytest

from app.web.pages import RELEASE

PAGE = "/"
STYLE = f"/static/{RELEASE}/style.css"
STREAM = "/v1/events"


def get(service, path, **headers):
    with service.http.stream("GET", path, headers=headers) as answer:
        return answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (PAGE, 200),
        ("/tracks/any", 200),
        (STYLE, 200),
        ("/healthz", 200),
        ("/metrics", 200),
        ("/docs", 200),
        ("/openapi.json", 200),
        ("/favicon.ico", 200),
        ("/v1/tracks", 200),
        ("/v1/tracks?limit=nonsense", 422),
        ("/v1/tracks/nothing", 404),
        ("/v1/nowhere", 404),
        ("/nowhere", 404),
        (STREAM, 200),
    ],
)
def test_every_answer_says_what_browsers_may_do_with_it(shared, path, status):
    answer = get(shared, path)
    assert answer.status_code == status
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "microphone=()" in answer.headers["permissions-policy"]
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert ("script-src" in policy) == (path in {*PAGES, "/docs"})
    assert ("unsafe-inline" in policy) == (path == "/docs")
    assert answer.headers.get("cache-control") == ("no-store" if path.startswith("/v1/") else CACHED.get(path))


PAGES = {PAGE, "/tracks/any"}
CACHED = {**dict.fromkeys(PAGES, "no-cache"), STYLE: "public, max-age=31536000, immutable"}


def test_a_refusal_and_a_fault_of_ours_carry_them_too(service, monkeypatch):
    foreign = service.http.post("/v1/tracks", headers={"Sec-Fetch-Site": "cross-site"})
    monkeypatch.setattr(service.app.state.assembly.access, "authenticate", lambda _: 1 / 0)
    failed = service.http.get("/v1/tracks")
    for answer, status in ((foreign, 403), (failed, 500)):
        assert answer.status_code == status
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"


def test_audio_may_be_kept_by_the_browser_that_asked_and_is_asked_for_anew_by_another_caller(service):
    track = service.upload().json()["track"]["id"]
    audio = service.http.get(f"/v1/tracks/{track}/audio")
    assert audio.headers["cache-control"].startswith("private")
    assert {"Authorization", "Cookie"} <= set(re.split(r",\s*", audio.headers["vary"]))


@pytest.mark.parametrize(("headers", "told"), [({}, False), ({"X-Forwarded-Proto": "https"}, True)])
def test_browsers_keep_to_tls_where_they_came_by_it(shared, headers, told):
    assert ("strict-transport-security" in shared.http.get("/healthz", headers=headers).headers) == told


def test_what_the_docs_load_comes_from_here(shared):
    loaded = re.findall(r'(?:src|href)="([^"]+)"', shared.http.get("/docs").text)
    assert loaded
    for address in loaded:
        assert address.startswith("/"), address
        assert shared.http.get(address).status_code == 200
