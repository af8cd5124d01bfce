"""Replacements over HTTP: constraints and near misses, and what is wrong with a request."""

import json
from dataclasses import replace

import pytest

from app.domain import DEFAULT_LIBRARY, Analysis, ChangeKind, Library, new_id
from app.keys import Scope

REFERENCE = {"tempo_bpm": 120.0, "key": "A minor", "duration_s": 100.0}


def measured(database, track_id, **values):
    """What a worker would measure."""
    analysis = Analysis(60.0, -14.0, None, 0.0, None, 0.0, 44100, 2, "wav")
    with database.transaction() as tx:
        tx.catalogue.save_analysis(track_id, replace(analysis, **values))


def add(service, worker, title, *, analysis=None, **metadata):
    sent = json.dumps({"title": title, "tags": [], "artist": None, **metadata})
    track_id = service.upload(b"RIFF" + title.encode(), metadata=sent).json()["track"]["id"]
    worker.work()
    if analysis:
        measured(service.database, track_id, **analysis)
    return track_id


@pytest.fixture
def shelf(service, worker):
    """A reference and others by name."""
    return {
        "reference": add(service, worker, "reference", analysis=REFERENCE, artist="Ada", licence="own"),
        "fits": add(
            service, worker, "fits", analysis={**REFERENCE, "tempo_bpm": 60.0, "key": "C major"}, licence="CC0"
        ),
        "licensed": add(service, worker, "licensed", analysis=REFERENCE, artist="ada", licence="own"),
        "unmeasured": add(service, worker, "unmeasured", licence="CC0", tags=["piano"]),
    }


def ask(service, reference, constraints=None, **body):
    service.indexed()
    sent = {"reference": {"track": reference}, **body}
    if constraints is not None:
        sent["constraints"] = constraints
    return service.http.post("/v1/replacements", json=sent)


def ids(matches):
    return [match["track"]["id"] for match in matches]


def places(answer):
    assert answer.status_code == 422, answer.text
    return [fault["place"] for fault in answer.json()["errors"]]


def test_each_match_says_how_it_meets_each_constraint_and_each_near_miss_which_it_breaks(service, shelf):
    constraints = {
        "licences": ["CC0"],
        "tempo_bpm": {"within_percent": 6},
        "key": "compatible",
        "other_artist": True,
    }
    answer = ask(service, shelf["reference"], constraints).json()
    assert ids(answer["matches"]) == [shelf["fits"]]
    match = answer["matches"][0]
    assert match["constraints"] == [
        {"name": "licences", "met": True, "wanted": "CC0", "found": "CC0"},
        {
            "name": "tempo_bpm",
            "met": True,
            "wanted": "112.8–127.2 bpm, or half or double",
            "found": "60 bpm (half)",
        },
        {
            "name": "key",
            "met": True,
            "wanted": "A minor, C major, E minor or D minor",
            "found": "C major (relative)",
        },
        {"name": "other_artist", "met": True, "wanted": "another artist than Ada", "found": "no artist known"},
    ]
    assert match["by_space"].keys() == {"timbre", "rhythm"}
    assert (match["decision"], match["is_new"]) == (None, False)
    broken = {
        miss["track"]["id"]: [check["name"] for check in miss["constraints"] if not check["met"]]
        for miss in answer["near_misses"]
    }
    assert broken == {shelf["licensed"]: ["licences", "other_artist"], shelf["unmeasured"]: ["tempo_bpm", "key"]}
    assert [each["left"] for each in answer["constraints"]] == [2, 2, 2, 2]
    assert answer["empty_because"] is None
    assert answer["query"]["encoders"] == ["fake"]


def test_octaves_can_be_left_out_of_the_tempo(service, shelf):
    answer = ask(service, shelf["reference"], {"tempo_bpm": {"within": 5, "octaves": False}}).json()
    assert ids(answer["matches"]) == [shelf["licensed"]]


def test_tags_of_its_own_are_looked_at(service, shelf):
    required = ask(service, shelf["reference"], {"tags_required": ["PIANO"]}).json()
    assert ids(required["matches"]) == [shelf["unmeasured"]]
    excluded = ask(service, shelf["reference"], {"tags_excluded": ["piano"]}).json()
    assert shelf["unmeasured"] not in ids(excluded["matches"])
    assert ids(excluded["near_misses"]) == [shelf["unmeasured"]]


def test_constraints_that_nobody_meets_are_named_not_refused(service, shelf):
    answer = ask(service, shelf["reference"], {"licences": ["Nobody-1.0"], "tempo_bpm": {"within": 1}})
    assert answer.status_code == 200
    assert answer.json()["empty_because"] == "No track of the library meets licences: Nobody-1.0."
    assert [each["left"] for each in answer.json()["constraints"]] == [0, 2]
    assert len(answer.json()["near_misses"]) == 3


def test_an_empty_library_says_so(service, worker):
    clip = service.upload(b"RIFFclip", path="/v1/clips").json()["clip"]["id"]
    worker.work()
    service.indexed()
    answer = service.http.post("/v1/replacements", json={"reference": {"clip": clip}})
    assert answer.status_code == 200
    assert "No track of the library is embedded" in answer.json()["empty_because"]


CONTRADICTIONS = {
    "bounds that leave nothing": ({"tempo_bpm": {"gte": 120, "lte": 90}}, "body.constraints.tempo_bpm"),
    "two kinds of bounds": ({"duration_s": {"within": 3, "gte": 90}}, "body.constraints.duration_s"),
    "two reaches": ({"tempo_bpm": {"within": 3, "within_percent": 9}}, "body.constraints.tempo_bpm"),
    "no bounds": ({"tempo_bpm": {}}, "body.constraints.tempo_bpm"),
    "a tag required and excluded": ({"tags_required": ["Piano"], "tags_excluded": ["piano"]}, "body.constraints"),
    "an unknown constraint": ({"mood": "happy"}, "body.constraints.mood"),
    "an unknown match of keys": ({"key": "any"}, "body.constraints.key"),
    "a negative reach": ({"duration_s": {"within": -1}}, "body.constraints.duration_s.within"),
    "no licence at all": ({"licences": []}, "body.constraints.licences"),
    "an empty licence": ({"licences": [" "]}, "body.constraints.licences[0]"),
    "too many tags": ({"tags_required": ["x"] * 51}, "body.constraints.tags_required"),
    "a tag of 10 kB": ({"tags_required": ["x" * 10_000]}, "body.constraints.tags_required[0]"),
    "a licence with NUL": ({"licences": ["a\0b"]}, "body.constraints.licences[0]"),
}


@pytest.mark.parametrize(("constraints", "place"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_constraints_that_make_no_sense_are_refused_with_their_place(shared, constraints, place):
    answer = shared.http.post("/v1/replacements", json={"reference": {"track": "x"}, "constraints": constraints})
    assert places(answer) == [place]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(shared, number):
    body = '{"reference": {"track": "x"}, "constraints": {"tempo_bpm": {"within": %s}}, "max_similarity": %s}'
    answer = shared.http.post(
        "/v1/replacements", content=body % (number, number), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_reference_is_one_track_or_clip(shared):
    for reference in ({}, {"tag": "piano"}, {"track": "a", "clip": "b"}, None):
        answer = shared.http.post("/v1/replacements", json={"reference": reference})
        assert answer.status_code == 422


def test_a_reference_that_lacks_a_measure_is_told_where_it_is_needed(service, shelf):
    answer = ask(service, shelf["unmeasured"], {"tempo_bpm": {"within": 5}, "key": "same", "other_album": True})
    assert places(answer) == ["body.constraints.tempo_bpm", "body.constraints.key"]
    assert "no tempo" in answer.json()["detail"]
    assert ask(service, shelf["unmeasured"], {"tempo_bpm": {"gte": 100}}).status_code == 200


def test_all_faults_come_together_in_their_places(service, shelf):
    answer = service.http.post(
        "/v1/replacements",
        json={
            "reference": {"track": shelf["unmeasured"], "weights": {"mood": 1}},
            "terms": [{"tag": "piano"}, {"track": shelf["fits"], "weights": {"rhythm": 0, "genre": 2}}],
            "constraints": {"key": "same"},
        },
    )
    found = places(answer)
    assert found[0].startswith("body.terms[0]")
    assert {"body.reference.weights.mood", "body.terms[1].weights.genre", "body.constraints.key"} <= set(found)


def test_weights_that_contradict_each_other_are_told(service, shelf):
    contrast = {"track": shelf["reference"], "weights": {"timbre": -1, "rhythm": -1}}
    answer = ask(service, shelf["reference"], terms=[contrast])
    assert places(answer) == ["body.reference"]
    assert "cancel each other" in answer.json()["detail"]


def test_what_is_not_there_is_not_found(service, shelf):
    unknown = "00000000-0000-7000-8000-0000000000ff"
    for reference in (unknown, "nonsense", "../../etc/passwd"):
        assert ask(service, reference, {"key": "same"}).status_code == 404
    service.http.delete(f"/v1/tracks/{shelf['reference']}")
    assert ask(service, shelf["reference"], {"key": "same"}).status_code == 404


def test_an_unknown_encoder_is_refused(service, shelf):
    assert places(ask(service, shelf["reference"], encoder="nobody")) == ["body.encoder"]


def test_a_reference_that_is_not_embedded_yet_is_told(service, worker, shelf):
    track_id = service.upload(b"RIFFfresh").json()["track"]["id"]
    assert ask(service, track_id, {"tempo_bpm": {"within": 5}}).status_code == 409


def test_a_key_of_another_library_finds_nothing_of_this_one(service, shelf):
    service.indexed()
    _, secret = service.app.state.assembly.access.create_key(DEFAULT_LIBRARY, "mine", Scope.ADMIN)
    other = service.app.state.assembly.access.create_key(other_library(service), "theirs", Scope.READ)[1]
    body = {"reference": {"track": shelf["reference"]}}
    for key, status in ((secret, 200), (other, 404)):
        answer = service.http.post("/v1/replacements", json=body, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == status


def other_library(service):
    library = Library(new_id(), "other")
    with service.database.transaction() as tx:
        tx.catalogue.add_library(library)
        tx.changes.append(library.id, ChangeKind.LIBRARY_ADDED, library.id)
    return library.id
