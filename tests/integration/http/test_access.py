from datetime import datetime, timedelta, timezone

import pytest

from app.adapters.memory_database import MemoryDatabase
from app.domain import DEFAULT_LIBRARY, Library, new_id, utc_now
from app.errors import ConfigurationError
from app.keys import Scope
from app.services.access import AccessService


def key(database, scope, library=DEFAULT_LIBRARY):
    _, secret = AccessService(database, admin_key=None, loopback=True).create_key(library, "test", scope)
    return {"Authorization": f"Bearer {secret}"}


def test_on_loopback_without_keys_everything_is_open(service):
    assert service.http.get("/v1/keys").json() == {"items": []}


def test_from_the_first_key_on_every_call_needs_one(service):
    made = service.http.post("/v1/keys", json={"name": "first", "scope": "admin"}).json()
    assert made["secret"].startswith("sk_")
    refused = service.http.get("/v1/tracks")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert service.http.get("/v1/tracks", headers=bearer).status_code == 200
    listed = service.http.get("/v1/keys", headers=bearer).json()["items"]
    assert [item["name"] for item in listed] == ["first"]
    assert made["secret"] not in str(listed)
    assert service.http.get("/healthz").status_code == 200


def test_a_key_that_has_expired_says_so_and_does_not_open_the_service(service):
    now = utc_now()
    clock = iter([now - timedelta(hours=2)])
    access = AccessService(service.database, admin_key=None, loopback=True, clock=lambda: next(clock))
    _, secret = access.create_key(DEFAULT_LIBRARY, "short", Scope.ADMIN, now - timedelta(hours=1))
    refused = service.http.get("/v1/tracks", headers={"Authorization": f"Bearer {secret}"})
    assert refused.status_code == 401
    assert f"expired on {now - timedelta(hours=1):%Y-%m-%d %H:%M} UTC" in refused.json()["detail"]
    assert service.http.get("/v1/tracks").status_code == 401


def test_a_key_is_made_with_the_time_of_its_end(service):
    ends = (utc_now() + timedelta(days=30)).replace(microsecond=0)
    local = ends.astimezone(timezone(timedelta(hours=5))).isoformat()
    made = service.http.post("/v1/keys", json={"name": "a", "scope": "admin", "expires_at": local}).json()
    assert datetime.fromisoformat(made["key"]["expires_at"]) == ends
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    [listed] = service.http.get("/v1/keys", headers=bearer).json()["items"]
    assert datetime.fromisoformat(listed["expires_at"]) == ends


@pytest.mark.parametrize(
    ("expires_at", "says"),
    [
        ("2020-01-01T00:00:00Z", "is over already"),
        ("2030-01-01T00:00:00", "timezone"),
        ("9999-12-31T23:59:59-12:00", "less than"),
        ("tomorrow", "datetime"),
    ],
)
def test_a_key_cannot_end_before_it_begins(service, expires_at, says):
    refused = service.http.post("/v1/keys", json={"name": "a", "expires_at": expires_at})
    assert refused.status_code == 422
    [fault] = refused.json()["errors"]
    assert (fault["place"], says in fault["message"]) == ("body.expires_at", True), fault
    assert service.http.get("/v1/keys").json() == {"items": []}


@pytest.mark.parametrize("header", ["Bearer sk_wrong", "Bearer", "Basic abc", "nonsense"])
def test_a_key_that_is_not_known_is_refused(service, header):
    assert service.http.get("/v1/tracks", headers={"Authorization": header}).status_code == 401


def test_scopes_allow_what_they_say(service):
    reader, writer = key(service.database, Scope.READ), key(service.database, Scope.WRITE)
    assert service.http.get("/v1/tracks", headers=reader).status_code == 200
    refused = service.http.post("/v1/tracks", files={"file": ("a", b"RIFF")}, headers=reader)
    assert (refused.status_code, "'write'" in refused.json()["detail"]) == (403, True)
    assert service.http.post("/v1/tracks", files={"file": ("a", b"RIFF")}, headers=writer).status_code == 202
    assert service.http.get("/v1/keys", headers=writer).status_code == 403


def test_a_revoked_key_opens_nothing_and_the_last_one_stays(service):
    admin = key(service.database, Scope.ADMIN)
    other = service.http.post("/v1/keys", json={"name": "other"}, headers=admin).json()
    assert service.http.delete(f"/v1/keys/{other['key']['id']}", headers=admin).status_code == 204
    bearer = {"Authorization": f"Bearer {other['secret']}"}
    assert service.http.get("/v1/tracks", headers=bearer).status_code == 401
    assert service.http.delete(f"/v1/keys/{other['key']['id']}", headers=admin).status_code == 404
    last = service.http.get("/v1/keys", headers=admin).json()["items"][0]["id"]
    assert service.http.delete(f"/v1/keys/{last}", headers=admin).status_code == 409
    assert service.http.get("/v1/tracks", headers=admin).status_code == 200


def test_the_key_from_outside_is_an_admin(serve):
    service = serve(admin_key="sk_from_outside" * 3)
    assert service.http.get("/v1/keys").status_code == 401
    bearer = {"Authorization": f"Bearer {'sk_from_outside' * 3}"}
    assert service.http.get("/v1/keys", headers=bearer).status_code == 200


def test_a_library_sees_nothing_of_another(service):
    other = Library(new_id(), "other")
    with service.database.transaction() as tx:
        tx.catalogue.add_library(other)
    mine, theirs = key(service.database, Scope.ADMIN), key(service.database, Scope.ADMIN, other.id)
    body = service.http.post("/v1/tracks", files={"file": ("a", b"RIFF")}, headers=mine).json()
    track, job = body["track"]["id"], body["job"]["id"]
    for path in (f"/v1/tracks/{track}", f"/v1/tracks/{track}/audio", f"/v1/jobs/{job}"):
        assert service.http.get(path, headers=mine).status_code == 200
        assert service.http.get(path, headers=theirs).status_code == 404
    assert service.http.get("/v1/tracks", headers=theirs).json()["items"] == []
    assert service.http.get("/v1/jobs", headers=theirs).json()["items"] == []
    assert service.http.delete(f"/v1/tracks/{track}", headers=theirs).status_code == 404
    assert service.http.patch(f"/v1/tracks/{track}", json={"title": "x"}, headers=theirs).status_code == 404
    assert service.http.post(f"/v1/jobs/{job}/cancel", headers=theirs).status_code == 404
    again = service.http.post("/v1/tracks", files={"file": ("a", b"RIFF")}, headers=theirs)
    assert (again.status_code, again.json()["track"]["id"] != track) == (202, True)
    assert len(service.http.get("/v1/keys", headers=theirs).json()["items"]) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:80"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8000"}, 403),
        ({"Host": "["}, 403),
        ({"X-Forwarded-For": "10.0.0.1"}, 403),
    ],
)
def test_the_open_mode_is_for_this_machine_only(shared, headers, status):
    assert shared.http.get("/v1/tracks", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 202),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
        ({"Sec-Fetch-Site": "none"}, 202),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
    ],
)
def test_a_foreign_page_cannot_write(service, headers, status):
    answer = service.http.post("/v1/tracks", files={"file": ("a", b"RIFF")}, headers=headers)
    assert answer.status_code == status
    assert service.http.get("/v1/tracks", headers=headers).status_code == 200


def test_our_own_page_can_write(service):
    headers = {"Origin": service.url}
    assert service.http.post("/v1/tracks", files={"file": ("a", b"RIFF")}, headers=headers).status_code == 202


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_a_public_address_needs_a_key_first(host):
    database = MemoryDatabase()
    access = AccessService(database, admin_key=None, loopback=False)
    with pytest.raises(ConfigurationError, match="soundkin keys create"):
        access.check_bind(host)
    access.create_key(DEFAULT_LIBRARY, "first", Scope.ADMIN)
    access.check_bind(host)
    AccessService(MemoryDatabase(), admin_key="sk_x", loopback=False).check_bind(host)
