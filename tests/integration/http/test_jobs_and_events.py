import json
import threading

import httpx
import pytest

from app.adapters.memory_database import MemoryDatabase
from app.api.events import _read as read_events
from app.domain import DEFAULT_LIBRARY, Job, JobKind, Priority, new_id
from app.errors import DatabaseUnavailable
from app.services.feed import ChangeFeed


def test_a_job_is_cancelled_and_tried_again(service):
    job = service.upload().json()["job"]["id"]
    assert service.http.post(f"/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
    assert service.http.post(f"/v1/jobs/{job}/cancel").status_code == 409
    assert service.http.post(f"/v1/jobs/{job}/retry").json()["state"] == "queued"
    assert service.http.post(f"/v1/jobs/{job}/retry").status_code == 409


def test_jobs_are_listed_by_state_and_subject(service, worker):
    first = service.upload(b"RIFF1").json()
    worker.work()
    second = service.upload(b"RIFF2").json()
    assert [job["id"] for job in service.http.get("/v1/jobs").json()["items"]] == [
        second["job"]["id"],
        first["job"]["id"],
    ]
    done = service.http.get("/v1/jobs", params={"state": "done"}).json()["items"]
    assert [job["id"] for job in done] == [first["job"]["id"]]
    about = service.http.get("/v1/jobs", params={"subject": second["track"]["id"]}).json()["items"]
    assert [job["id"] for job in about] == [second["job"]["id"]]


def test_the_reason_of_a_failed_job_is_told(service, worker):
    job = service.upload().json()["job"]["id"]
    worker.refuse("no audio stream")
    body = service.http.get(f"/v1/jobs/{job}").json()
    assert body["state"] == "failed"
    assert body["error"] == {"code": "AudioUnreadable", "message": "no audio stream"}


def test_a_job_knows_the_request_that_asked_for_it(service):
    answer = service.http.post(
        "/v1/tracks", files={"file": ("a.wav", b"RIFFx")}, headers={"X-Request-ID": "my-upload:7"}
    )
    assert answer.headers["x-request-id"] == "my-upload:7"
    assert answer.json()["job"]["request_id"] == "my-upload:7"


def test_a_request_id_that_is_not_plain_is_replaced(service):
    answer = service.http.get("/healthz", headers={"X-Request-ID": "a b\t<script>"})
    assert answer.headers["x-request-id"] != "a b\t<script>"
    assert len(answer.headers["x-request-id"]) == 36


def test_uploads_are_turned_away_while_too_many_jobs_wait(serve):
    service = serve(queue_limit=2, clip_queue_limit=1)
    assert [service.upload(b"RIFF" + bytes([n])).status_code for n in range(3)] == [202, 202, 429]
    refused = service.upload(b"RIFF9")
    assert refused.json()["type"] == "urn:soundkin:problem:queue-full"
    assert int(refused.headers["retry-after"]) > 0
    assert [service.upload(path="/v1/clips").status_code for _ in range(2)] == [202, 429]


def test_what_is_embedded_anew_in_the_background_turns_no_upload_away(serve):
    service = serve(queue_limit=2)
    with service.database.transaction() as tx:
        for _ in range(5):
            tx.queue.enqueue(Job(new_id(), DEFAULT_LIBRARY, JobKind.REEMBED, new_id(), Priority.BACKGROUND))
    assert [service.upload(b"RIFF" + bytes([n])).status_code for n in range(3)] == [202, 202, 429]


def events(service, until, **headers):
    """Read events until one says so; the connection is cut then."""
    found = []
    with httpx.stream("GET", f"{service.url}/v1/events", headers=headers, timeout=10, trust_env=False) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        event = {}
        for line in stream.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
                continue
            if event.get("event"):
                found.append((int(event["id"]), event["event"], json.loads(event["data"])))
                if until(*found[-1][1:]):
                    return found
            event = {}
    return found


def test_changes_are_followed_as_they_happen(service, worker):
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(events(service, lambda kind, _: kind == "track.embedded")))
    thread.start()
    service.until(lambda: service.app.state.assembly.feed._listeners)
    track = service.upload().json()["track"]["id"]
    worker.work()
    thread.join(10)
    kinds = [kind for _, kind, _ in seen]
    assert kinds[0] == "connected"
    assert kinds.index("track.added") < kinds.index("track.embedded")
    assert seen[-1][2]["subject"] == track
    jobs = [data["job"] for _, kind, data in seen if kind == "job.updated"]
    assert jobs[0]["subject"] == track
    numbers = [number for number, _, _ in seen]
    assert numbers == sorted(numbers)


def test_who_was_away_hears_what_happened_meanwhile(service):
    service.upload(b"RIFF1")
    first = events(service, lambda kind, _: kind == "track.added", **{"Last-Event-ID": "0"})
    second = service.upload(b"RIFF2").json()["track"]["id"]
    rest = events(
        service,
        lambda _, data: data.get("subject") == second,
        **{"Last-Event-ID": str(first[-1][0])},
    )
    assert all(number >= first[-1][0] for number, _, _ in rest)
    assert [data["subject"] for _, kind, data in rest if kind == "track.added"] == [second]


def test_a_follower_does_not_read_again_what_other_libraries_did(service):
    service.upload()
    assembly = service.app.state.assembly
    with service.database.transaction() as tx:
        last = tx.changes.last_seq()
    assert read_events(assembly, new_id(), 0) == ([], last, False)


class Stumbling(MemoryDatabase):
    """Fails at the first look, then answers."""

    error = None

    def transaction(self, *, read_only=False):
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        return super().transaction(read_only=read_only)


@pytest.mark.parametrize("error", [DatabaseUnavailable("away"), RuntimeError("a fault of ours")])
def test_the_feed_outlives_whatever_reading_the_database_raises(error, monkeypatch):
    monkeypatch.setattr("app.services.feed.PAUSE_AFTER_ERROR_S", 0.01)
    database = Stumbling()
    database.error = error
    woken = threading.Event()
    feed = ChangeFeed(database, interval_s=0.01)
    feed.listen(woken.set)
    feed.start()
    try:
        assert woken.wait(5)
    finally:
        feed.close()


def test_a_stop_of_the_service_ends_its_event_streams(serve):
    service = serve()
    ended = threading.Event()

    def follow():
        events(service, lambda *_: False)
        ended.set()

    threading.Thread(target=follow, daemon=True).start()
    service.until(lambda: service.app.state.assembly.feed._listeners)
    service.app.state.assembly.feed.stop()
    assert ended.wait(5)
    assert not service.app.state.assembly.feed._listeners
