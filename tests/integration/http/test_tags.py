"""Tags over HTTP: the vocabulary, searches by tag, and what is heard in a track."""

import numpy as np
import pytest

from app.domain import EncoderInfo, Space, new_id
from app.tag_directions import TagDirections


def pointing(*names, dimension):
    """Tags along the axes, the first along the first; half sure where a track is at a right angle."""
    ones, zeros = np.ones(len(names), np.float32), np.zeros(len(names), np.float32)
    return TagDirections(names, np.eye(len(names), dimension, dtype=np.float32), 5 * ones, zeros)


@pytest.fixture
def tagged(service, employ):
    """A worker whose encoder hears tags, "dark" in both of its spaces."""
    tags = {"timbre": pointing("piano", "dark", dimension=4), "rhythm": pointing("dark", "swing", dimension=2)}
    return employ(service, tags=tags)


def fill(service, worker, count=6):
    uploads = [service.upload(b"RIFF" + bytes([number]) * 100).json() for number in range(count)]
    worker.work()
    service.indexed()
    return [upload["track"]["id"] for upload in uploads]


def search(service, *terms, **options):
    return service.http.post("/v1/search", json={"terms": list(terms), **options})


def vector(service, track_id):
    return service.http.get(f"/v1/tracks/{track_id}/embedding").json()["spaces"]


def test_the_vocabulary_is_listed_by_space(service, tagged):
    expected = {"timbre": ["piano", "dark"], "rhythm": ["dark", "swing"]}
    assert service.http.get("/v1/tags").json() == {"encoder": "fake", "spaces": expected}
    assert service.http.get("/v1/tags?encoder=fake").json()["spaces"] == expected
    [shown] = service.http.get("/v1/encoders").json()["items"]
    assert shown["tags"] == expected


def test_an_encoder_without_tags_has_an_empty_vocabulary_and_hears_nothing(service, worker):
    [track_id] = fill(service, worker, 1)
    assert service.http.get("/v1/tags").json() == {"encoder": "fake", "spaces": {}}
    assert service.http.get(f"/v1/tracks/{track_id}/tags").json()["spaces"] == {}


def test_an_encoder_that_is_not_there_has_no_vocabulary(service, tagged):
    answer = service.http.get("/v1/tags?encoder=other")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:soundkin:problem:not-found")
    assert "fake" in answer.json()["detail"]


def test_a_search_by_a_tag_alone_ranks_by_its_direction_and_explains_it(service, tagged):
    ids = fill(service, tagged)
    answer = search(service, {"tag": "piano", "weight": 0.5}, k=10).json()
    expected = sorted(ids, key=lambda track_id: -vector(service, track_id)["timbre"][0])
    assert [match["track"]["id"] for match in answer["matches"]] == expected
    assert answer["query"] == {
        "encoders": ["fake"],
        "weights": {"timbre": 1.0, "rhythm": 0.0},
        "tags": [{"tag": "piano", "space": "timbre", "weight": 1.0}],
    }
    for match in answer["matches"]:
        cosine = pytest.approx(vector(service, match["track"]["id"])["timbre"][0], abs=1e-5)
        assert match["similarity"] == match["by_space"]["timbre"]["contribution"] == cosine
        [by_tag] = match["by_tag"]
        assert (by_tag["tag"], by_tag["space"], by_tag["contribution"]) == ("piano", "timbre", cosine)


def test_a_tag_goes_with_tracks_and_the_contributions_still_add_up(service, tagged):
    ids = fill(service, tagged)
    terms = [{"track": ids[0], "weights": {"rhythm": 1}}, {"tag": "Swing", "weight": -0.5}]
    answer = search(service, *terms).json()
    assert ids[0] not in [match["track"]["id"] for match in answer["matches"]]
    assert answer["query"]["tags"] == [{"tag": "swing", "space": "rhythm", "weight": pytest.approx(-1 / 3)}]
    for match in answer["matches"]:
        total = sum(share["contribution"] for share in match["by_space"].values())
        assert total == pytest.approx(match["similarity"], abs=1e-5)


@pytest.mark.parametrize(
    ("term", "place", "says"),
    [
        ({"tag": "dark"}, "terms.0.space", "several spaces: timbre, rhythm"),
        ({"tag": "pino"}, "terms.0.tag", "Did you mean 'piano' (timbre)?"),
        ({"tag": "piano", "space": "mood"}, "terms.0.space", "but in timbre"),
        ({"tag": "piano", "weight": 0}, "terms", "All weights are zero"),
    ],
)
def test_a_tag_that_cannot_be_asked_with_is_refused_with_what_to_do(service, tagged, term, place, says):
    fill(service, tagged, 1)
    answer = search(service, term)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:soundkin:problem:invalid-query")
    [fault] = answer.json()["errors"]
    assert fault["place"] == place
    assert says in fault["message"]
    assert says in answer.json()["detail"]


def test_an_encoder_without_tags_refuses_a_tag(service, worker):
    fill(service, worker, 1)
    answer = search(service, {"tag": "piano"})
    assert (answer.status_code, "knows no tags" in answer.json()["detail"]) == (422, True)


def test_a_file_can_be_searched_with_beside_a_tag(service, tagged):
    ids = fill(service, tagged)
    query = '{"terms": [{"clip": "$file"}, {"tag": "piano"}], "wait_s": 0}'
    waiting = service.http.post("/v1/search/audio", files={"file": ("c.wav", b"RIFFclip")}, data={"query": query})
    tagged.work()
    answer = search(service, {"clip": waiting.json()["clip"]["id"]}, {"tag": "piano"}).json()
    assert len(answer["matches"]) == len(ids)


def test_what_is_heard_in_a_track_comes_most_confident_first(service, tagged):
    [track_id] = fill(service, tagged, 1)
    heard = service.http.get(f"/v1/tracks/{track_id}/tags?min_confidence=0").json()
    assert (heard["track"], heard["encoder"], heard["digest"]) == (track_id, "fake", "d" * 64)
    stored = vector(service, track_id)
    for space, names in {"timbre": ["piano", "dark"], "rhythm": ["dark", "swing"]}.items():
        expected = {name: 1 / (1 + np.exp(-5 * stored[space][place])) for place, name in enumerate(names)}
        found = heard["spaces"][space]
        assert {each["tag"]: each["confidence"] for each in found} == pytest.approx(expected, abs=1e-5)
        assert [each["tag"] for each in found] == sorted(names, key=lambda name: -expected[name])


def test_without_a_threshold_only_what_is_likelier_than_not_is_heard(service, tagged):
    [track_id] = fill(service, tagged, 1)
    spaces = service.http.get(f"/v1/tracks/{track_id}/tags").json()["spaces"]
    assert spaces.keys() == {"timbre", "rhythm"}
    assert all(each["confidence"] >= 0.5 for tags in spaces.values() for each in tags)
    surest = service.http.get(f"/v1/tracks/{track_id}/tags?min_confidence=1").json()["spaces"]
    assert surest == {"timbre": [], "rhythm": []}


def test_what_is_heard_in_a_track_that_is_not_embedded_is_not_known_yet(service, tagged):
    track_id = service.upload().json()["track"]["id"]
    answer = service.http.get(f"/v1/tracks/{track_id}/tags")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:soundkin:problem:not-embedded")


@pytest.mark.parametrize("value", ["-0.1", "1.1", "nan", "loud"])
def test_a_threshold_that_is_no_confidence_is_refused(service, tagged, value):
    [track_id] = fill(service, tagged, 1)
    answer = service.http.get(f"/v1/tracks/{track_id}/tags?min_confidence={value}")
    assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, "query.min_confidence")


def test_another_encoder_can_be_asked_what_it_hears(service, tagged):
    with service.database.transaction() as tx:
        other = EncoderInfo(new_id(), "other", "1", "e" * 64, (Space("mood", 2),))
        tx.catalogue.announce_encoder(other)
    [track_id] = fill(service, tagged, 1)
    assert service.http.get(f"/v1/tracks/{track_id}/tags?encoder=other").status_code == 409
    assert service.http.get(f"/v1/tracks/{track_id}/tags?encoder=fake").status_code == 200
