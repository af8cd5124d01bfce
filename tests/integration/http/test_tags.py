"""Tags over HTTP: the vocabulary, searches by tag, and what is heard in a track."""

import json
from dataclasses import replace

import numpy as np
import pytest

from app.domain import DEFAULT_LIBRARY, ChangeKind, Embedding, EncoderInfo, Space, new_id
from app.services.hearing import listen, listen_to_unheard
from app.tag_directions import TagDirections

HALF = 2**-10
"""Indexes keep vectors in half precision: products of coordinates may be off by so much of themselves."""


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
        cosine = pytest.approx(vector(service, match["track"]["id"])["timbre"][0], rel=HALF)
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


def own_and_heard(service, track_id):
    found = service.http.get(f"/v1/tracks/{track_id}/tags").json()["all"]
    return {source: [each["tag"] for each in found if each["source"] == source] for source in ("own", "heard")}


def carriers(service, tag):
    where = {"field": "all_tags", "equals": tag}
    found = service.http.get("/v1/tracks", params={"filter": json.dumps(where)}).json()["items"]
    return {track["id"] for track in found}


def test_a_track_shows_its_own_tags_first_and_those_that_are_heard(service, tagged):
    [track_id] = fill(service, tagged, 1)
    heard = service.http.get(f"/v1/tracks/{track_id}/tags").json()
    surest = {each["tag"]: each["confidence"] for tags in heard["spaces"].values() for each in reversed(tags)}
    assert heard["all"][0] == {"tag": "wav", "source": "own", "confidence": None}
    confidences = {each["tag"]: each["confidence"] for each in heard["all"][1:]}
    assert confidences.keys() == surest.keys()
    assert list(confidences.values()) == sorted(confidences.values(), reverse=True)
    assert all(each["source"] == "heard" for each in heard["all"][1:])


def test_which_spaces_are_heard_but_not_kept_is_told(service, employ):
    spaces = (Space("timbre", 4), Space("tempo", 2))
    tags = {"timbre": pointing("piano", dimension=4), "tempo": pointing("fast", dimension=2)}
    worker = employ(service)
    [track_id] = fill(service, worker, 1)
    sure = np.array([1, 0, 0, 0, 1, 0], np.float32)
    with service.database.transaction() as tx:
        other = tx.catalogue.announce_encoder(EncoderInfo(new_id(), "other", "1", "e" * 64, spaces, tags))
        tx.catalogue.save_embedding(track_id, Embedding(other.id, sure, np.array([[0, 3]], np.float32), sure[None]))
        listen(tx, [tx.catalogue.track(DEFAULT_LIBRARY, track_id).number])
    answer = service.http.get(f"/v1/tracks/{track_id}/tags?encoder=other").json()
    assert {space: [each["tag"] for each in heard] for space, heard in answer["spaces"].items()} == {
        "timbre": ["piano"],
        "tempo": ["fast"],
    }
    assert answer["kept_spaces"] == ["timbre"]
    assert own_and_heard(service, track_id)["heard"] == ["piano"]


def test_filters_find_what_is_heard_until_somebody_denies_it(service, tagged):
    ids = fill(service, tagged)
    with_piano = {track_id for track_id in ids if "piano" in own_and_heard(service, track_id)["heard"]}
    assert 0 < len(with_piano) < len(ids)
    assert carriers(service, "PIANO") == with_piano
    denied = min(with_piano)
    edited = service.http.patch(f"/v1/tracks/{denied}", json={"denied_tags": ["Piano"]})
    assert edited.json()["metadata"]["denied_tags"] == ["Piano"]
    assert carriers(service, "piano") == with_piano - {denied}
    assert "piano" not in own_and_heard(service, denied)["heard"]
    service.http.patch(f"/v1/tracks/{denied}", json={"tags": ["piano"]})
    assert carriers(service, "piano") == with_piano
    assert own_and_heard(service, denied)["own"] == ["piano"]


def test_a_search_with_a_filter_follows_edits_of_tags(service, tagged):
    ids = fill(service, tagged)
    where = {"field": "all_tags", "equals": "mine"}

    def found():
        answer = search(service, {"tag": "piano"}, filter=where, k=10).json()
        return {match["track"]["id"] for match in answer["matches"]}

    assert found() == set()
    service.http.patch(f"/v1/tracks/{ids[2]}", json={"tags": ["Mine"]})
    assert found() == {ids[2]}
    service.http.patch(f"/v1/tracks/{ids[2]}", json={"denied_tags": ["mine"]})
    assert found() == set()


def test_tags_of_the_file_that_an_upload_denies_are_not_the_tracks(service, worker):
    metadata = json.dumps({"denied_tags": ["WAV"]})
    track = service.upload(metadata=metadata).json()["track"]
    assert (track["metadata"]["tags"], track["metadata"]["denied_tags"]) == ([], ["WAV"])


def test_who_gives_and_denies_a_tag_at_once_is_refused(service, worker):
    body = {"tags": ["Piano", "calm"], "denied_tags": ["rock", "piano"]}
    uploaded = service.upload(metadata=json.dumps(body))
    track_id = service.upload().json()["track"]["id"]
    for answer in (uploaded, service.http.patch(f"/v1/tracks/{track_id}", json=body)):
        assert answer.status_code == 422
        [fault] = answer.json()["errors"]
        assert fault["place"].endswith("denied_tags")
        assert "piano" in fault["message"]


def test_tags_are_counted_over_all_tracks(service, tagged):
    ids = fill(service, tagged)
    for track_id in ids[:2]:
        service.http.patch(f"/v1/tracks/{track_id}", json={"tags": ["Mine"]})
    counts = {each["tag"]: each["tracks"] for each in service.http.get("/v1/tags/counts").json()["items"]}
    assert (counts["mine"], counts["wav"]) == (2, len(ids) - 2)
    assert counts["piano"] == len(carriers(service, "piano"))
    [first] = service.http.get("/v1/tags/counts?limit=1").json()["items"]
    assert first["tracks"] == max(counts.values())
    assert service.http.get("/v1/tags/counts?limit=0").status_code == 422


def test_counts_follow_edits_and_deletions_at_once(service, worker):
    ids = fill(service, worker, count=2)

    def counts():
        items = service.http.get("/v1/tags/counts").json()["items"]
        return {each["tag"]: each["tracks"] for each in items if each["tag"] in {"mine", "yours"}}

    for track_id, tags in zip(ids, (["Mine"], ["mine", "yours"]), strict=True):
        service.http.patch(f"/v1/tracks/{track_id}", json={"tags": tags})
    assert counts() == {"mine": 2, "yours": 1}
    service.http.patch(f"/v1/tracks/{ids[0]}", json={"tags": ["yours"]})
    assert counts() == {"mine": 1, "yours": 2}
    service.http.delete(f"/v1/tracks/{ids[1]}")
    assert counts() == {"yours": 1}


def test_tracks_that_were_embedded_before_are_listened_to_in_the_background(service, tagged, monkeypatch):
    monkeypatch.setattr("app.services.hearing.PORTION", 4)
    ids = fill(service, tagged)
    before = {track_id: own_and_heard(service, track_id) for track_id in ids}
    with service.database.transaction() as tx:
        everyone = tx.catalogue.tracks_by_number(DEFAULT_LIBRARY, range(100))
        tx.catalogue.save_heard({number: {} for number in everyone})
        tx.catalogue.forget_heard()
        last = tx.changes.last_seq()
    assert carriers(service, "piano") == set()
    assert listen_to_unheard(service.database) == len(ids)
    assert {track_id: own_and_heard(service, track_id) for track_id in ids} == before
    with service.database.transaction() as tx:
        told = {(change.subject, change.kind) for change in tx.changes.after(last)}
    changed = {track_id for track_id in ids if before[track_id]["heard"]}
    assert told == {(track_id, ChangeKind.TRACK_UPDATED) for track_id in changed}
    assert listen_to_unheard(service.database) == 0


def test_when_another_version_is_promoted_what_it_hears_counts(service, tagged):
    [track_id] = fill(service, tagged, 1)
    tags = {"timbre": pointing("zither", dimension=4)}
    stored = vector(service, track_id)
    mirrored = np.array([1, 0, 0, 0, *stored["rhythm"]], np.float32)
    with service.database.transaction() as tx:
        second = tx.catalogue.announce_encoder(replace(tagged.encoder, id=new_id(), digest="e" * 64, tags=tags))
        spans = np.array([[0, 3]], np.float32)
        tx.catalogue.save_embedding(track_id, Embedding(second.id, mirrored, spans, mirrored[None]))
        track = tx.catalogue.track(DEFAULT_LIBRARY, track_id)
        listen(tx, [track.number])
    assert "zither" not in own_and_heard(service, track_id)["heard"], "a shadow is not heard"
    assert service.http.post(f"/v1/encoders/{second.id}/promote").status_code == 200
    service.app.state.assembly.housekeeper.round()
    assert own_and_heard(service, track_id)["heard"] == ["zither"]


def test_of_several_encoders_the_surest_counts(service, tagged):
    [track_id] = fill(service, tagged, 1)
    tags = {"timbre": pointing("dark", dimension=4)}
    sure = np.array([1, 0, 0, 0, 1, 0], np.float32)
    with service.database.transaction() as tx:
        other = tx.catalogue.announce_encoder(replace(tagged.encoder, id=new_id(), name="other", tags=tags))
        spans = np.array([[0, 3]], np.float32)
        tx.catalogue.save_embedding(track_id, Embedding(other.id, sure, spans, sure[None]))
        number = tx.catalogue.track(DEFAULT_LIBRARY, track_id).number
        listen(tx, [number])
        track = tx.catalogue.track(DEFAULT_LIBRARY, track_id)
    assert track.heard["dark"] == pytest.approx(1 / (1 + np.exp(-5)), abs=1e-4)
