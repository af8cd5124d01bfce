"""What a real worker leaves beside vectors: tags that it hears, and a picture of the sound."""

import json
import sqlite3
from itertools import pairwise

import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def service(make_service, folder):
    service = make_service(folder, {"SOUNDKIN_DATA_DIR": str(folder / "data"), "SOUNDKIN_ENCODERS": "csn"})
    with service.running():
        yield service


@pytest.fixture(scope="module")
def client(service):
    with service.client as client:
        yield client


@pytest.fixture(scope="module")
def uploaded(service, client, songs):
    """Track ids of some songs, embedded."""
    answers = [client.post("/v1/tracks", files={"file": (song.filename, song.data)}) for song in songs[:3]]
    ids = [answer.json()["track"]["id"] for answer in answers]

    def all_ready():
        return len(client.get("/v1/tracks", params={"state": "ready"}).json()["items"]) == len(ids)

    service.wait_until(all_ready, "all is embedded", seconds=120)
    return ids


def all_tags(client, track_id):
    return client.get(f"/v1/tracks/{track_id}/tags").json()["all"]


def carriers(client, tag):
    where = json.dumps({"field": "all_tags", "equals": tag})
    answer = client.get("/v1/tracks", params={"filter": where})
    return {track["id"] for track in answer.json()["items"]}


def test_tags_that_the_network_hears_can_be_filtered_by_counted_and_denied(client, uploaded):
    heard = {track_id: {each["tag"] for each in all_tags(client, track_id)} for track_id in uploaded}
    assert all(heard.values()), "the network hears something in music"
    for track_id in uploaded:
        answer = client.get(f"/v1/tracks/{track_id}/tags").json()
        assert set(answer["spaces"]) - set(answer["kept_spaces"]) == {"tempo", "key", "era"}
        assert heard[track_id] == {
            each["tag"] for space in answer["kept_spaces"] for each in answer["spaces"][space]
        }
    counts = {each["tag"]: each["tracks"] for each in client.get("/v1/tags/counts").json()["items"]}
    for tag in set.union(*heard.values()):
        assert carriers(client, tag) == {track_id for track_id in uploaded if tag in heard[track_id]}
        assert counts[tag.casefold()] == len(carriers(client, tag))
    denied = min(heard[uploaded[0]])
    client.patch(f"/v1/tracks/{uploaded[0]}", json={"denied_tags": [denied]})
    assert uploaded[0] not in carriers(client, denied)
    client.patch(f"/v1/tracks/{uploaded[0]}", json={"denied_tags": None})
    assert uploaded[0] in carriers(client, denied)


def test_the_picture_of_the_sound_follows_it(client, uploaded, songs):
    for track_id, song in zip(uploaded, songs, strict=False):
        picture = client.get(f"/v1/tracks/{track_id}/waveform").json()
        assert picture["duration_s"] == pytest.approx(24, abs=0.2)
        assert len(picture["peaks"]) == 800
        if not song.filename.endswith("mp3"):
            edges = np.arange(801) * len(song.waveform) // 800
            parts = [np.abs(song.waveform[start:end]).max() for start, end in pairwise(edges)]
            assert picture["peaks"] == pytest.approx(parts, abs=0.02)


def test_tracks_of_an_older_version_are_listened_to_without_their_audio(service, client, uploaded, folder):
    before = {track_id: all_tags(client, track_id) for track_id in uploaded}
    with sqlite3.connect(folder / "data" / "soundkin.sqlite3", timeout=30) as database:
        database.execute("UPDATE track SET heard_tags = '{}', all_tags_folded = '[]', listened = 0")
    database.close()
    assert not any(all_tags(client, track_id) for track_id in uploaded)

    def all_heard():
        return {track_id: all_tags(client, track_id) for track_id in uploaded} == before

    service.wait_until(all_heard, "the housekeeper has had everything listened to", seconds=60)
