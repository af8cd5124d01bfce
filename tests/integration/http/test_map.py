"""Maps over HTTP: asked for, drawn by whom the tests call, looked at; and everything that cannot be drawn."""

import contextlib
import gzip
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.adapters.sql_database import SqlDatabase
from app.adapters.sql_maps import SqlMaps
from app.domain import DEFAULT_LIBRARY, ChangeKind, EncoderInfo, Library, Space, new_id
from app.keys import Scope
from app.services.access import AccessService
from app.services.jobs import settle
from app.services.maps import MOST_MAPS
from workers.draw_map import MapJobs
from workers.watch import Watch

LEASE = timedelta(seconds=60)
ALL = {"timbre": 1.0, "rhythm": 1.0}


class Draughtsman:
    """Does the jobs that draw maps, with the code of the worker."""

    def __init__(self, service, worker):
        self.service = service
        self.worker = worker

    def draw(self):
        """Draw what was asked for; return how many maps that was."""
        jobs = self.claim()
        for job in jobs:
            MapJobs(self.service.database)(job, Watch(job.token, lambda _: None))
        return len(jobs)

    def claim(self):
        with self.service.database.transaction() as tx:
            return tx.queue.claim(self.worker.id, limit=1, deadline=LEASE)

    def refuse(self):
        with self.service.database.transaction() as tx:
            for job in tx.queue.claim(self.worker.id, limit=1, deadline=LEASE):
                settle(tx, tx.queue.fail(job.id, job.token, code="internal", message="out of ink", retry=False))

    def fill(self, count=12):
        for number in range(count):
            fields = {"title": f"Track {number}", "artist": "A", "tags": ["even" if number % 2 == 0 else "odd"]}
            self.service.upload(b"RIFF" + bytes([number]) * 50, metadata=json.dumps(fields))
        self.worker.work()


@pytest.fixture
def map_maker(service, worker):
    return Draughtsman(service, worker)


def ask(service, **body):
    return service.http.post("/v1/map", json=body)


def look(service, **parameters):
    return service.http.get("/v1/map", params=parameters)


def test_a_map_is_asked_for_drawn_and_looked_at(service, map_maker):
    map_maker.fill()
    assert look(service).status_code == 404
    asked = ask(service)
    assert asked.status_code == 202
    made, job = asked.json()["map"], asked.json()["job"]
    assert (job["kind"], job["subject"], job["state"]) == ("map", made["id"], "queued")
    assert (made["state"], made["encoder"], made["weights"], made["drawn_at"]) == ("drawing", "fake", ALL, None)
    assert made["job"] == job
    before = look(service).json()
    assert (before["points"], before["clusters"], before["clustering"]) == (None, None, None)
    assert map_maker.draw() == 1
    after = look(service).json()
    assert (after["state"], after["stale"], after["behind"], after["tracks"]) == ("ready", False, 0, 12)
    assert after["job"]["state"] == "done"
    points = after["points"]
    assert {len(column) for column in points.values()} == {12}
    assert points["titles"] == [f"Track {number}" for number in range(12)]
    assert points["tags"][:2] == [["even"], ["odd"]]
    assert all(-1 <= value <= 1 for value in points["x"] + points["y"])
    assert max(map(abs, points["x"] + points["y"])) == 1
    assert points["has_audio"] == [True] * 12
    assert sum(cluster["tracks"] for cluster in after["clusters"]) == 12
    assert set(points["cluster"]) == {cluster["number"] for cluster in after["clusters"]}
    assert after["clustering"]["k"] == len(after["clusters"])
    assert {score["method"] for score in after["clustering"]["scores"]} == {"kmeans", "gmm"}
    tracks = {item["id"]: item for item in service.http.get("/v1/tracks").json()["items"]}
    assert [tracks[each]["metadata"]["title"] for each in points["ids"]] == points["titles"]


def test_the_same_request_while_it_is_drawn_is_the_same_job(service, map_maker):
    map_maker.fill(3)
    first = ask(service).json()
    again = [
        ask(service, **body).json() for body in ({}, {"encoder": "fake"}, {"weights": {"timbre": 2, "rhythm": 2}})
    ]
    assert {each["job"]["id"] for each in again} == {first["job"]["id"]}
    other = ask(service, weights={"timbre": 1}).json()
    assert other["job"]["id"] != first["job"]["id"]
    assert other["map"]["weights"] == {"timbre": 1.0}
    listed = service.http.get("/v1/maps").json()["items"]
    assert [each["id"] for each in listed] == [other["map"]["id"], first["map"]["id"]]
    assert look(service, weights='{"timbre": 3, "rhythm": 0}').json()["id"] == other["map"]["id"]


def test_a_map_says_how_far_behind_it_is_and_keeps_its_points_while_it_is_drawn_anew(service, map_maker):
    map_maker.fill(6)
    ask(service)
    map_maker.draw()
    ids = look(service).json()["points"]["ids"]
    service.http.delete(f"/v1/tracks/{ids[0]}")
    for number in (100, 101):
        service.upload(b"RIFF" + bytes([number]) * 50)
    waiting = look(service).json()
    assert (waiting["behind"], waiting["stale"], waiting["tracks"]) == (1, True, 5)
    assert waiting["points"]["ids"] == ids[1:]
    shown = Counter(waiting["points"]["cluster"])
    assert {each["number"]: each["tracks"] for each in waiting["clusters"]} == shown
    map_maker.worker.work()
    head = look(service).json()
    assert head["behind"] == 3
    [listed] = service.http.get("/v1/maps").json()["items"]
    assert listed.items() <= head.items()
    ask(service)
    meanwhile = look(service).json()
    assert (meanwhile["state"], meanwhile["points"]["ids"]) == ("drawing", ids[1:])
    map_maker.draw()
    anew = look(service).json()
    assert (anew["state"], anew["behind"], anew["stale"], len(anew["points"]["ids"])) == ("ready", 0, False, 7)


def test_what_is_said_of_tracks_is_of_now(service, map_maker):
    map_maker.fill(3)
    ask(service)
    map_maker.draw()
    [first, *_] = look(service).json()["points"]["ids"]
    service.http.patch(f"/v1/tracks/{first}", json={"title": "<b>Renamed</b>", "tags": ["new"]})
    points = look(service).json()["points"]
    assert (points["titles"][0], points["tags"][0]) == ("<b>Renamed</b>", ["new"])
    assert look(service).json()["stale"] is False


def test_an_answer_is_compressed_for_whoever_takes_it(service, map_maker):
    map_maker.fill(3)
    ask(service)
    for _ in range(2):
        plain = service.http.get("/v1/map", headers={"Accept-Encoding": "identity"})
        refusing = service.http.get("/v1/map", headers={"Accept-Encoding": "gzip;q=0, br"})
        with service.http.stream("GET", "/v1/map", headers={"Accept-Encoding": "br, gzip;q=0.5"}) as packed:
            body = b"".join(packed.iter_raw())
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(body) == plain.content == refusing.content
        assert not {"content-encoding"} & (plain.headers.keys() | refusing.headers.keys())
        assert plain.headers["vary"] == packed.headers["vary"] == "Accept-Encoding"
        map_maker.draw()


def test_a_map_whose_job_failed_says_so_and_can_be_asked_for_again(service, map_maker):
    map_maker.fill(3)
    ask(service)
    map_maker.refuse()
    failed = look(service).json()
    assert (failed["state"], failed["job"]["error"]["message"], failed["points"]) == ("failed", "out of ink", None)
    assert service.http.post(f"/v1/jobs/{failed['job']['id']}/retry").json()["state"] == "queued"
    map_maker.refuse()
    again = ask(service).json()
    assert again["job"]["id"] != failed["job"]["id"]
    assert again["map"]["id"] == failed["id"]
    map_maker.draw()
    assert look(service).json()["state"] == "ready"


def test_a_cancelled_job_leaves_the_points_of_the_last_time(service, map_maker):
    map_maker.fill(3)
    first = ask(service).json()["job"]
    assert service.http.post(f"/v1/jobs/{first['id']}/cancel").json()["state"] == "cancelled"
    assert look(service).json()["state"] == "failed"
    ask(service)
    map_maker.draw()
    ids = look(service).json()["points"]["ids"]
    second = ask(service).json()["job"]
    service.http.post(f"/v1/jobs/{second['id']}/cancel")
    still = look(service).json()
    assert (still["state"], still["points"]["ids"]) == ("ready", ids)


def test_without_a_worker_the_map_waits_and_says_so(service, map_maker):
    map_maker.fill(3)
    assert ask(service).json()["map"]["note"] is None
    with service.database.transaction() as tx:
        tx.queue.leave(map_maker.worker.id)
    waiting = look(service).json()
    assert waiting["state"] == "drawing"
    assert "No worker is alive" in waiting["note"]


def test_an_empty_library_is_told_to_upload_first(service, worker):
    refused = ask(service)
    assert refused.status_code == 409
    assert "upload" in refused.json()["detail"]
    service.upload()
    refused = ask(service)
    assert refused.status_code == 409
    assert "has vectors by the encoder 'fake' yet" in refused.json()["detail"]
    assert service.http.get("/v1/maps").json() == {"items": []}


def test_all_faults_of_the_weights_are_named_together(service, map_maker):
    map_maker.fill(1)
    refused = ask(service, weights={"timbre": -1, "colour": 1, "rhythm": 1})
    assert refused.status_code == 422
    assert [fault["place"] for fault in refused.json()["errors"]] == ["weights.timbre", "weights.colour"]
    assert "timbre, rhythm" in refused.json()["errors"][1]["message"]
    zero = ask(service, weights={"timbre": 0})
    assert (zero.status_code, zero.json()["errors"][0]["place"]) == (422, "weights")


@pytest.mark.parametrize(
    "body",
    [
        '{"weights": {"timbre": NaN}}',
        '{"weights": {"timbre": 1e999}}',
        '{"weights": {}}',
        '{"weights": [1]}',
        '{"weights": {"\\ud800": 1}}',
        '{"weights": {"\\u0000": 1}}',
        '{"a": 1}',
    ],
)
def test_a_body_that_is_no_request_for_a_map_is_refused(service, map_maker, body):
    map_maker.fill(1)
    refused = service.http.post("/v1/map", content=body, headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert refused.json()["errors"]


@pytest.mark.parametrize(
    "weights",
    [
        "{",
        "[]",
        '{"timbre": NaN}',
        '{"timbre": "x"}',
        '{"colour": 1}',
        '{"\\ud800": 1}',
        '{"\\u0000": 1}',
        "{}",
        '{"timbre": -1}',
    ],
)
def test_weights_in_the_address_are_checked_too(service, map_maker, weights):
    map_maker.fill(1)
    refused = look(service, weights=weights)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["place"].removeprefix("query.").startswith("weights")


def test_an_unknown_encoder_is_not_found(service, map_maker):
    map_maker.fill(1)
    for answer in (ask(service, encoder="nose"), look(service, encoder="nose")):
        assert answer.status_code == 404
        assert "fake" in answer.json()["detail"]


def test_a_library_keeps_so_many_maps_at_most(service, map_maker):
    map_maker.fill(1)
    ids = []
    for number in range(MOST_MAPS + 1):
        made = ask(service, weights={"timbre": 1, "rhythm": (number + 1) / 100}).json()
        ids.append(made["map"]["id"])
        map_maker.draw()
    listed = [each["id"] for each in service.http.get("/v1/maps").json()["items"]]
    assert listed == ids[:0:-1]


def test_a_map_is_its_librarys_own_and_only_writers_ask_for_one(service, map_maker):
    map_maker.fill(3)
    ask(service)
    map_maker.draw()
    access = AccessService(service.database, admin_key=None, loopback=True)
    other = Library(new_id(), "other")
    with service.database.transaction() as tx:
        tx.catalogue.add_library(other)
    secrets = {
        name: {"Authorization": f"Bearer {access.create_key(library, name, scope)[1]}"}
        for name, library, scope in (("reader", DEFAULT_LIBRARY, Scope.READ), ("stranger", other.id, Scope.WRITE))
    }
    assert service.http.get("/v1/map", headers=secrets["reader"]).status_code == 200
    assert service.http.post("/v1/map", json={}, headers=secrets["reader"]).status_code == 403
    assert service.http.get("/v1/map", headers=secrets["stranger"]).status_code == 404
    assert service.http.get("/v1/maps", headers=secrets["stranger"]).json() == {"items": []}
    assert service.http.post("/v1/map", json={}, headers=secrets["stranger"]).status_code == 409
    assert service.http.get("/v1/map").status_code == 401


def test_who_look_at_once_have_the_picture_made_once(serve, employ, sqlite_url, monkeypatch):
    service = serve(database=SqlDatabase(sqlite_url))
    map_maker = Draughtsman(service, employ(service))
    map_maker.fill(3)
    ask(service)
    map_maker.draw()
    looking, together, made = 4, threading.Barrier(4), []
    read = SqlMaps.tracks

    def read_together(maps, *arguments):
        made.append(read(maps, *arguments))
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(1)  # for others who make one too
        return made[-1]

    monkeypatch.setattr(SqlMaps, "tracks", read_together)
    with ThreadPoolExecutor(looking) as threads:
        answers = list(threads.map(lambda _: look(service), range(looking)))
    assert {len(answer.json()["points"]["ids"]) for answer in answers} == {3}
    assert len(made) == 1


def test_after_a_change_of_the_encoder_the_map_is_stale(service, map_maker):
    map_maker.fill(3)
    ask(service)
    map_maker.draw()
    with service.database.transaction() as tx:
        newer = EncoderInfo(new_id(), "fake", "2", "e" * 64, (Space("timbre", 4), Space("rhythm", 2)))
        newer = tx.catalogue.announce_encoder(newer)
        tx.catalogue.promote_encoder(newer.id, default=True)
        tx.changes.append(DEFAULT_LIBRARY, ChangeKind.ENCODER_UPDATED, newer.id)
    shown = look(service).json()
    assert shown["stale"] is True
    assert len(shown["points"]["ids"]) == 3
