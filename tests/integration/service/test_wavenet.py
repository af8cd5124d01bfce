"""The encoder ``wavenet`` in a real service, beside another one: embedded, indexed, searched alone and mixed."""

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(make_service, tmp_path_factory):
    folder = tmp_path_factory.mktemp("service")
    service = make_service(
        folder, {"SOUNDKIN_DATA_DIR": str(folder / "data"), "SOUNDKIN_ENCODERS": "librosa,wavenet"}
    )
    with service.running():
        yield service


@pytest.fixture(scope="module")
def client(service):
    with service.client as client:
        yield client


@pytest.fixture(scope="module")
def uploaded(service, client, songs):
    """Track ids of the songs, in the indexes of both encoders."""
    answers = [client.post("/v1/tracks", files={"file": (song.filename, song.data)}) for song in songs]
    ids = [answer.json()["track"]["id"] for answer in answers]

    def indexed():
        tracks = {index["encoder"]: index["tracks"] for index in client.get("/v1/stats").json()["index"]["indexes"]}
        return tracks == {"librosa": len(ids), "wavenet": len(ids)}

    service.wait_until(indexed, "both encoders have every track in their index", seconds=120)
    return ids


def search(client, **query):
    answer = client.post("/v1/search", json=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_it_is_announced_with_its_space(client, uploaded):
    encoders = {encoder["name"]: encoder for encoder in client.get("/v1/encoders").json()["items"]}
    assert [space["name"] for space in encoders["wavenet"]["spaces"]] == ["sound"]


def test_it_is_searched_alone(client, uploaded):
    found = search(client, terms=[{"track": uploaded[0], "weights": {"wavenet.sound": 1}}], k=100, explain=True)
    assert found["query"]["encoders"] == ["wavenet"]
    assert {match["track"]["id"] for match in found["matches"]} == set(uploaded) - {uploaded[0]}
    similarities = [match["similarity"] for match in found["matches"]]
    assert similarities == sorted(similarities, reverse=True)


def test_it_is_mixed_with_spaces_of_another_encoder(client, uploaded):
    weights = {"librosa.timbre": 1, "librosa.rhythm": 0.5, "wavenet.sound": 2}
    found = search(client, terms=[{"track": uploaded[0], "weights": weights}], k=3, explain=True)
    assert set(found["query"]["encoders"]) == {"librosa", "wavenet"}
    for match in found["matches"]:
        contributions = {space: share["contribution"] for space, share in match["by_space"].items()}
        assert "wavenet.sound" in contributions
        assert sum(contributions.values()) == pytest.approx(match["similarity"], abs=1e-4)


def test_an_excerpt_finds_its_own_track(client, uploaded, songs):
    body = '{"terms": [{"clip": "$file", "weights": {"wavenet.sound": 1}}], "k": 3}'
    for track_id, song in zip(uploaded, songs, strict=True):
        files = {"file": ("excerpt.mp3", song.excerpt(4, 19))}
        answer = client.post("/v1/search/audio", files=files, data={"query": body})
        assert answer.status_code == 200, answer.text
        assert track_id in [match["track"]["id"] for match in answer.json()["matches"]]
