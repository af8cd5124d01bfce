"""The whole path over HTTP, on both deployments: upload, queue, embed, index, search."""

import json
import time

import httpx
import pytest

pytestmark = pytest.mark.slow

SPACES = {"timbre", "harmony", "rhythm", "dynamics"}


@pytest.fixture(scope="module")
def client(service):
    with service.client as client:
        yield client


@pytest.fixture(scope="module")
def uploaded(service, client, songs):
    """Track ids of the songs, all searchable."""
    ids = []
    for number, song in enumerate(songs):
        answer = client.post(
            "/v1/tracks",
            files={"file": (song.filename, song.data)},
            data={
                "metadata": json.dumps({"title": f"Song {number}", "licence": "CC0" if number % 2 else "CC-BY-4.0"})
            },
        )
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["track"]["id"])

    def all_ready() -> bool:
        states = {client.get(f"/v1/tracks/{track_id}").json()["state"] for track_id in ids}
        assert "failed" not in states, client.get("/v1/jobs").text
        return states == {"ready"}

    service.wait_until(all_ready, "every upload is embedded", seconds=120)
    service.wait_until(lambda: indexed(client) == len(ids), "every upload is indexed", seconds=5)
    return ids


def indexed(client: httpx.Client) -> int:
    return sum(index["tracks"] for index in client.get("/v1/stats").json()["index"]["indexes"])


def search(client: httpx.Client, **query) -> list[dict]:
    answer = client.post("/v1/search", json=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["matches"]


def test_the_same_bytes_give_the_same_track(client, uploaded, songs):
    again = client.post("/v1/tracks", files={"file": ("other-name.wav", songs[0].data)})

    assert again.status_code == 200
    assert again.json()["track"]["id"] == uploaded[0]


def test_every_track_is_analysed(client, uploaded):
    for track_id in uploaded:
        analysis = client.get(f"/v1/tracks/{track_id}").json()["analysis"]
        assert analysis["duration_s"] == pytest.approx(24.0, abs=0.2)
        assert -60 < analysis["loudness_lufs"] < 0


def test_a_track_is_never_among_its_own_matches(client, uploaded):
    matches = search(client, terms=[{"track": uploaded[0]}], k=100)

    assert {match["track"]["id"] for match in matches} == set(uploaded) - {uploaded[0]}


def test_contributions_add_up_to_the_similarity(client, uploaded):
    weights = {"timbre": 1, "rhythm": 0.5, "harmony": -0.25}
    for match in search(client, terms=[{"track": uploaded[0], "weights": weights}], explain=True):
        contributions = [share["contribution"] for share in match["by_space"].values()]
        assert sum(contributions) == pytest.approx(match["similarity"], abs=1e-4)


def test_an_excerpt_finds_its_own_track_first(client, uploaded, songs):
    for track_id, song in zip(uploaded, songs, strict=True):
        answer = client.post("/v1/search/audio", files={"file": ("excerpt.mp3", song.excerpt(4, 19))})
        assert answer.status_code == 200, answer.text
        assert answer.json()["matches"][0]["track"]["id"] == track_id


def test_a_segment_can_be_the_reference(client, uploaded):
    matches = search(client, terms=[{"track": uploaded[0], "segment": {"start_s": 5, "end_s": 15}}], k=3)

    assert len(matches) == 3
    assert uploaded[0] not in {match["track"]["id"] for match in matches}


def test_a_filter_limits_what_is_found(client, uploaded):
    matches = search(
        client, terms=[{"track": uploaded[0]}], k=100, filter={"all": [{"field": "licence", "in": ["CC0"]}]}
    )

    assert {match["track"]["id"] for match in matches} == set(uploaded[1::2])


def test_a_deleted_track_is_gone_within_a_second_and_the_same_bytes_can_come_back(service, client, uploaded, songs):
    extra = songs[8]
    assert client.delete(f"/v1/tracks/{uploaded[8]}").status_code in (200, 204)
    time.sleep(1.0)
    found = {match["track"]["id"] for match in search(client, terms=[{"track": uploaded[0]}], k=100)}
    assert uploaded[8] not in found
    assert client.get(f"/v1/tracks/{uploaded[8]}").status_code == 404

    back = client.post("/v1/tracks", files={"file": (extra.filename, extra.data)})
    assert back.status_code == 202
    new_id = back.json()["track"]["id"]

    def found_again() -> bool:
        return new_id in {match["track"]["id"] for match in search(client, terms=[{"track": uploaded[0]}], k=100)}

    service.wait_until(found_again, "the track that came back is found", seconds=30)
    uploaded[8] = new_id


def test_a_text_file_named_mp3_is_refused_with_the_reason(client):
    answer = client.post("/v1/tracks", files={"file": ("song.mp3", b"these are words, not music\n" * 200)})

    assert answer.status_code in (415, 422)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "audio" in answer.json()["detail"]


def test_metrics_show_the_work_that_was_done(client, uploaded):
    metrics = client.get("/metrics").text

    assert "soundkin_index_tracks" in metrics
    assert 'soundkin_stage_seconds_total{stage="decode"}' in metrics


def test_the_audio_of_a_track_can_be_played_from_the_middle(client, uploaded, songs):
    answer = client.get(f"/v1/tracks/{uploaded[0]}/audio", headers={"Range": "bytes=100-199"})

    assert answer.status_code == 206
    assert answer.content == songs[0].data[100:200]
