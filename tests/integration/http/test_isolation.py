"""One library tries to reach another through every route: what is not its own is as if it were not there."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading

import pytest

from app.adapters.sql_database import SqlDatabase
from app.component_meaning import ComponentMeaning
from app.domain import DEFAULT_LIBRARY, Library, Priority, new_id
from app.keys import Scope
from app.services.access import AccessService
from tests.integration.http.route_table import RIFF, ROUTES, must_be_complete
from tests.integration.http.test_tags import pointing

MARK = "quetzal"
"""Stands in every name of the other library, and nowhere else."""

UNREADABLE = 422
"""What was asked must be worth an answer, or this would prove nothing."""

LISTED = ("tracks", "briefs", "weightings", "jobs", "keys", "maps", "tags/counts", "session")
MEANINGS = tuple(ComponentMeaning(share, (("calm", 2.0),)) for share in (0.4, 0.3, 0.2, 0.1))


class Tenant:
    """One library with its key and something of every kind."""

    def __init__(self, service, secret, mark):
        self._service = service
        self.headers = {"Authorization": f"Bearer {secret}"}
        self._mark = mark
        self.ids = {}

    def fill(self, worker):
        service = self._service
        for number in range(3):
            file = RIFF + f"{self._mark} {number}".encode()
            sent = self._post("/v1/tracks", file=file, form={"title": self._mark, "tags": [self._mark]})
            self.ids["track"], self.ids["job"] = sent["track"]["id"], sent["job"]["id"]
        self.ids["clip"] = self._post("/v1/clips", file=RIFF + self._mark.encode())["clip"]["id"]
        service.until(lambda: worker.work() == 0)
        service.indexed()
        request = {"reference": {"track": self.ids["track"]}, "encoder": "fake"}
        brief = {"name": self._mark, "note": self._mark, "request": request}
        self.ids["brief"] = self._post("/v1/briefs", brief)["id"]
        self._post(f"/v1/briefs/{self.ids['brief']}/run")
        decided = f"/v1/briefs/{self.ids['brief']}/decisions/{self.ids['track']}"
        self._send("PUT", decided, {"verdict": "rejected", "reason": self._mark})
        weighting = {"name": self._mark, "encoder": "fake", "weights": {"timbre": 1}}
        self.ids["weighting"] = self._post("/v1/weightings", weighting)["id"]
        self.ids["key"] = self._post("/v1/keys", {"name": self._mark, "scope": "admin"})["key"]["id"]

    def have_a_map_drawn(self):
        self.ids["map"] = self._post("/v1/map", {"encoder": "fake"})["map"]["id"]

    def _post(self, path, body=None, file=None, form=None):
        return self._send("POST", path, body, file, form)

    def _send(self, method, path, body=None, file=None, form=None):
        files = {"file": (f"{self._mark}.wav", file)} if file else None
        answer = self._service.http.request(
            method,
            path,
            json=body,
            files=files,
            data={"metadata": json.dumps(form)} if form else None,
            headers=self.headers,
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def state(self):
        """All that it sees of itself."""
        brief, track = f"briefs/{self.ids['brief']}", f"tracks/{self.ids['track']}"
        own = (
            brief,
            f"{brief}/decisions",
            track,
            f"{track}/tags",
            f"clips/{self.ids['clip']}",
            f"jobs/{self.ids['job']}",
        )
        seen = {path: self._service.http.get(f"/v1/{path}", headers=self.headers) for path in (*LISTED, *own)}
        assert {answer.status_code for answer in seen.values()} == {200}
        return {path: answer.json() for path, answer in seen.items()}


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def tenants(request, serve_all, employ, tmp_path_factory):
    """A service with two libraries, the caller's and another; in a real database commands make the other."""
    if request.param == "memory":
        service = serve_all(rate_limit=0)
        other = Library(new_id(), MARK)
        with service.database.transaction() as tx:
            tx.catalogue.add_library(other)
        secrets = [made_key(service.database, library) for library in (DEFAULT_LIBRARY, other.id)]
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('isolation') / 'soundkin.sqlite3'}"
        soundkin(url, "library", "add", MARK)
        secrets = [
            soundkin(url, "keys", "create", library, "--scope", "admin", "--library", library)
            for library in ("default", MARK)
        ]
        service = serve_all(rate_limit=0, database=SqlDatabase(url))
    worker = employ(service, tags={"timbre": pointing("calm", dimension=4)}, components={"timbre": MEANINGS})
    mine, theirs = Tenant(service, secrets[0], "mine"), Tenant(service, secrets[1], MARK)
    for tenant in (theirs, mine):
        tenant.fill(worker)
    for tenant in (theirs, mine):
        tenant.have_a_map_drawn()
    with clips_embedded(worker):
        yield service, mine, theirs


@contextlib.contextmanager
def clips_embedded(worker):
    """See to it that clips get their vectors, and nothing else any more."""
    over = threading.Event()

    def work():
        while not over.wait(0.05):
            worker.work(max_priority=Priority.INTERACTIVE)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def made_key(database, library):
    return AccessService(database, admin_key=None, loopback=True).create_key(library, "test", Scope.ADMIN)[1]


def soundkin(url, *arguments):
    environment = {**os.environ, "SOUNDKIN_DATABASE_URL": url, "SOUNDKIN_LOG_LEVEL": "error"}
    command = [sys.executable, "-m", "app", *arguments]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_events_tell_of_the_own_library_only(tenants):
    service, mine, theirs = tenants
    with service.http.stream("GET", "/v1/events", headers=mine.headers | {"Last-Event-ID": "0"}) as events:
        heard = []
        for line in events.iter_lines():
            heard.append(line)
            if "track.embedded" in line and mine.ids["track"] in "".join(heard[-3:]):
                break
            if mine.ids["key"] in line or len(heard) > 1000:
                break
    assert not leaks("".join(heard), theirs)
    assert mine.ids["track"] in "".join(heard)


def test_counts_are_of_the_own_library(tenants):
    service, mine, _ = tenants
    stats = service.http.get("/v1/stats", headers=mine.headers).json()
    listed = service.http.get("/v1/tracks", headers=mine.headers).json()["items"]
    assert sum(stats["tracks"].values()) == len(listed)
    [index] = stats["index"]["indexes"]
    assert index["tracks"] == 3
    [encoder] = service.http.get("/v1/encoders", headers=mine.headers).json()["items"]
    assert encoder["embedded"] == 3


def test_every_route_is_in_the_table(tenants):
    must_be_complete(tenants[0].app)


@pytest.mark.parametrize("call", ROUTES)
def test_what_another_library_has_is_as_if_it_were_not_there(tenants, call):
    service, mine, theirs = tenants
    own = {f"my_{subject}": each for subject, each in mine.ids.items()}
    before = theirs.state()
    for ask in ROUTES[call].asks:
        nothing = {subject: new_id() for subject in theirs.ids}
        found = ask.send(service.http, call, theirs.ids | own, mine.headers)
        assert not leaks(found.text, theirs), found.text
        assert found.status_code != UNREADABLE, found.text
        if ask.asks_for_another(call):
            missed = ask.send(service.http, call, nothing | own, mine.headers)
            assert found.status_code == missed.status_code, (found.text, missed.text)
            assert plain(found.text, theirs.ids) == plain(missed.text, nothing)
    assert theirs.state() == before


VARYING = re.compile(
    r'"took_ms":{[^}]*}|"(request_id|token|secret|csrf)":\s*"[^"]*"|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)'
)
AN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def plain(text, ids):
    """An answer without what differs between any two calls."""
    for subject, each in ids.items():
        text = text.replace(each, subject)
    return AN_ID.sub("another id", VARYING.sub("", text))


def leaks(text, theirs):
    """What of theirs stands in an answer, besides the words that were sent."""
    answer = re.sub(r'"detail":"(\\.|[^"\\])*"|"message":"(\\.|[^"\\])*"', "", text)
    return [word for word in (MARK, *theirs.ids.values()) if word in answer]
