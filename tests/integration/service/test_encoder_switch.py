"""Another encoder takes over, under the eyes of people who search all the while. Real processes throughout."""

import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import httpx
import numpy as np
import pytest

from models.artifact import write_artifact
from models.encoder import EncoderManifest, Space
from models.tag_directions import TagDirections

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
LOW = TagDirections(("low", "high"), np.eye(2, 4, dtype=np.float32), np.float32([9, 9]), np.float32([0, 0]))


def write_encoders(folder):
    """Artifacts of both encoders; the second knows tags."""
    for name, spaces, tags in (
        ("first", (Space("a", 3), Space("b", 3)), {}),
        ("second", (Space("a", 4), Space("c", 2)), {"a": LOW}),
    ):
        names = {space: each.names for space, each in tags.items()}
        manifest = EncoderManifest(name, "1", "", spaces, 22_050, names)
        tensors = {key: tensor for space, each in tags.items() for key, tensor in each.tensors(space).items()}
        write_artifact(folder / name, manifest, tensors)


class Searches:
    """Somebody who searches by the same track again and again, naming no encoder."""

    def __init__(self, url, track_id):
        self.seen = []
        self._url = url
        self._body = {"terms": [{"track": track_id}], "k": 3}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._search)

    def _search(self):
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False) as client:
            while not self._stop.is_set():
                answer = client.post("/v1/search", json=self._body)
                [encoder] = answer.json()["query"]["encoders"] if answer.status_code == 200 else [answer.text]
                self.seen.append((answer.status_code, encoder, len(answer.json().get("matches", ()))))
                time.sleep(0.02)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


class Scene:
    """A service, its workers, and what an operator does."""

    def __init__(self, service, folder):
        self.service = service
        self.folder = folder
        self.client = service.client

    @contextmanager
    def worker(self, encoders):
        """A worker with these encoders, until the block ends."""
        environment = {
            **os.environ,
            **self.service.environment,
            "SOUNDKIN_ENCODERS": encoders,
            "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parents[2]}",
        }
        with (self.folder / "service.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "two_encoders.py")],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.stdin.close()
            process.wait(60)

    def upload(self, song):
        answer = self.client.post("/v1/tracks", files={"file": (song.filename, song.data)})
        assert answer.status_code == 202, answer.text
        return answer.json()["track"]["id"]

    def encoder(self, name):
        return next(each for each in self.client.get("/v1/encoders").json()["items"] if each["name"] == name)

    def share(self, name):
        return self.encoder(name)["embedded_share"]

    def promote(self, name):
        return self.client.post(f"/v1/encoders/{self.encoder(name)['id']}/promote?default=true")

    def wait_until(self, condition, what):
        self.service.wait_until(condition, what, seconds=120)

    def has_vectors(self, track_id, encoder):
        answer = self.client.get(f"/v1/tracks/{track_id}/embedding", params={"encoder": encoder})
        return answer.status_code == 200

    def indexed(self):
        found = self.client.get("/v1/stats").json()["index"]["indexes"]
        return {index["encoder"]: index["tracks"] for index in found}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def scene(request, make_service, tmp_path):
    write_encoders(tmp_path / "artifacts")
    environment = {
        "SOUNDKIN_DATA_DIR": str(tmp_path / "data"),
        "SOUNDKIN_ARTIFACTS_DIR": str(tmp_path / "artifacts"),
        "SOUNDKIN_ENCODERS": "first,second",
        "SOUNDKIN_EMBEDDED_WORKER": "false",
        "SOUNDKIN_DEVICE": "cpu",
        "SOUNDKIN_WORKER_THREADS": "2",
    }
    if request.param == "postgres":
        environment["SOUNDKIN_DATABASE_URL"] = request.getfixturevalue("empty_postgres_url")
    service = make_service(tmp_path, environment)
    service.command("db", "migrate")
    with service.running():
        scene = Scene(service, tmp_path)
        with scene.client:
            yield scene


def test_another_encoder_takes_over_while_people_search(scene, songs):
    with scene.worker("first"):
        ids = [scene.upload(song) for song in songs[:5]]
        scene.wait_until(lambda: scene.indexed() == {"first": 5}, "the catalogue is embedded by the first")
        assert scene.encoder("second")["state"] == "loading"

    with Searches(scene.service.url, ids[0]) as searches, scene.worker("first,second"):
        scene.wait_until(lambda: scene.encoder("second")["state"] == "ready", "the second is announced")
        early = scene.promote("second")
        ids.append(scene.upload(songs[5]))
        shares = []

        def is_complete():
            shares.append(scene.share("second"))
            return shares[-1] == 1 and scene.indexed() == {"first": 6, "second": 6}

        scene.wait_until(is_complete, "the second has embedded what the first had")
        before = scene.encoder("first")["is_default"]
        promoted = scene.promote("second")
        scene.wait_until(lambda: searches.seen[-1][1] == "second", "searches are answered by the second")

    assert (early.status_code, early.json()["type"]) == (409, "urn:soundkin:problem:conflict")
    assert "lacks vectors of 5 of the 5 tracks" in early.json()["detail"]
    assert shares == sorted(shares)
    assert shares[0] < 1
    assert all(scene.has_vectors(track_id, encoder) for track_id in ids for encoder in ("first", "second"))
    assert (before, promoted.status_code, promoted.json()["is_default"]) == (True, 200, True)
    assert {(status, matches) for status, _, matches in searches.seen} == {(200, 3)}
    assert [encoder for encoder, _ in groupby(encoder for _, encoder, _ in searches.seen)] == ["first", "second"]
    asked = scene.client.post("/v1/search", json={"terms": [{"tag": "low"}]}).json()
    assert {match["track"]["id"] for match in asked["matches"]} == set(ids)
    heard = scene.client.get(f"/v1/tracks/{ids[0]}/tags?min_confidence=0").json()["spaces"]
    assert {each["tag"] for each in heard["a"]} == {"low", "high"}
    back = scene.promote("first").json()
    assert back["is_default"] is True
