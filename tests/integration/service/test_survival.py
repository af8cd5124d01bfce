"""What was acknowledged ends searchable, whatever is killed meanwhile. Real processes, servers and kill -9."""

import contextlib
import threading
import time

import httpx
import psutil
import pytest

pytestmark = pytest.mark.slow

TAKEN_UP_WITHIN_S = 15.0


@pytest.fixture
def embedded(make_service, tmp_path):
    service = make_service(tmp_path, {"SOUNDKIN_DATA_DIR": str(tmp_path / "data")})
    with service.running():
        yield service


def upload(service, song) -> str:
    with service.client as client:
        answer = client.post("/v1/tracks", files={"file": (song.filename, song.data)})
    assert answer.status_code in (200, 202), answer.text
    return answer.json()["track"]["id"]


def states(service, ids) -> set[str]:
    with service.client as client:
        return {client.get(f"/v1/tracks/{track_id}").json().get("state", "away") for track_id in ids}


def searchable(service, ids) -> bool:
    """Whether each is found by a search for the first."""
    with service.client as client:
        answer = client.post("/v1/search", json={"terms": [{"track": ids[0]}], "k": 100})
    return answer.status_code == 200 and {m["track"]["id"] for m in answer.json()["matches"]} >= set(ids[1:])


def running_jobs(service) -> list[dict]:
    with service.client as client:
        return client.get("/v1/jobs", params={"state": "running"}).json()["items"]


def worker_processes(service) -> list[psutil.Process]:
    """The supervisor and its child, outermost first."""
    children = psutil.Process(service.process.pid).children(recursive=True)
    return [process for process in children if "workers" in " ".join(process.cmdline())]


@pytest.mark.parametrize("victim", ["supervisor", "everything"])
def test_jobs_of_a_killed_worker_are_taken_up_within_15_seconds_and_end_searchable(embedded, songs, victim):
    ids = [upload(embedded, song) for song in songs[:4]]
    embedded.wait_until(lambda: running_jobs(embedded), "a job runs", seconds=30)

    for process in worker_processes(embedded)[: 1 if victim == "supervisor" else None]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    killed = time.monotonic()
    interrupted = {job["id"]: job["started_at"] for job in running_jobs(embedded)}
    if interrupted:
        embedded.wait_until(
            lambda: any(taken_up_again(embedded, job_id, since) for job_id, since in interrupted.items()),
            "an interrupted job is taken up again",
            seconds=TAKEN_UP_WITHIN_S,
        )
    assert time.monotonic() - killed < TAKEN_UP_WITHIN_S
    embedded.wait_until(lambda: states(embedded, ids) == {"ready"}, "all are embedded", seconds=90)
    embedded.wait_until(lambda: searchable(embedded, ids), "all are found", seconds=5)


def taken_up_again(service, job_id: str, since: str) -> bool:
    with service.client as client:
        job = client.get(f"/v1/jobs/{job_id}").json()
    return job["state"] == "done" or (job["state"] == "running" and job["started_at"] != since)


def test_the_web_process_killed_amid_an_upload_loses_nothing_that_it_acknowledged(embedded, songs):
    acknowledged = [upload(embedded, song) for song in songs[:3]]
    half = songs[4]
    sent = threading.Event()

    def slow_body():
        boundary = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x.wav"\r\n\r\n'
        yield boundary + half.data[: len(half.data) // 2]
        sent.set()
        time.sleep(30)
        yield half.data[len(half.data) // 2 :] + b"\r\n--b--\r\n"

    def send() -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        with contextlib.suppress(httpx.TransportError), embedded.client as client:
            client.post("/v1/tracks", content=slow_body(), headers=headers)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    assert sent.wait(10)
    time.sleep(0.5)
    embedded.kill()
    embedded.start()

    embedded.wait_until(lambda: states(embedded, acknowledged) == {"ready"}, "all are embedded", seconds=90)
    embedded.wait_until(lambda: searchable(embedded, acknowledged), "all are found", seconds=5)
    again = upload(embedded, half)
    embedded.wait_until(lambda: states(embedded, [again]) == {"ready"}, "the half upload, sent again, is embedded")


def test_a_killed_web_process_leaves_no_worker_behind(embedded):
    workers = worker_processes(embedded)
    assert workers

    embedded.kill()

    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    embedded.start()


@pytest.mark.postgres
@pytest.mark.redis
def test_servers_that_die_and_come_back_lose_nothing(
    make_service, tmp_path, redis_to_kill, postgres_to_stop, songs
):
    environment = {
        "SOUNDKIN_DATA_DIR": str(tmp_path / "data"),
        "SOUNDKIN_DATABASE_URL": postgres_to_stop.url,
        "SOUNDKIN_REDIS_URL": redis_to_kill.url,
    }
    service = make_service(tmp_path, environment)
    with service.running():
        ids = [upload(service, song) for song in songs[:3]]
        redis_to_kill.kill()
        ids += [upload(service, song) for song in songs[3:5]]
        postgres_to_stop.stop()
        with service.client as client:
            refused = client.post("/v1/tracks", files={"file": (songs[5].filename, songs[5].data)})
        assert refused.status_code == 503
        assert "Retry-After" in refused.headers
        redis_to_kill.start()
        postgres_to_stop.start()

        service.wait_until(lambda: service.answers("/readyz"), "the service has recovered", seconds=60)
        ids.append(upload(service, songs[5]))
        service.wait_until(lambda: states(service, ids) == {"ready"}, "all are embedded", seconds=120)
        service.wait_until(lambda: searchable(service, ids), "all are found", seconds=5)
