import json
import threading
import time

import pytest


def fill(service, worker, count=6):
    ids = []
    for number in range(count):
        metadata = json.dumps({"title": f"T{number}", "artist": f"A{number % 2}"})
        ids.append(service.upload(b"RIFF" + bytes([number]) * 100, metadata=metadata).json()["track"]["id"])
    worker.work()
    service.indexed()
    return ids


def search(service, **body):
    return service.http.post("/v1/search", json=body)


def test_a_search_by_track_finds_the_others_and_explains_them(service, worker):
    ids = fill(service, worker)
    answer = search(service, terms=[{"track": ids[0], "weights": {"timbre": 1, "rhythm": 0.5}}], k=3).json()
    assert len(answer["matches"]) == 3
    assert ids[0] not in [match["track"]["id"] for match in answer["matches"]]
    best = answer["matches"][0]
    assert sum(share["contribution"] for share in best["by_space"].values()) == pytest.approx(
        best["similarity"], abs=1e-5
    )
    assert answer["query"]["encoders"] == ["fake"]
    assert (
        answer["index"] == {"size": 6, "exact": True, "recall": 1.0, "allowed": 5} or answer["index"]["size"] == 6
    )
    assert answer["took_ms"]


def test_the_filter_and_the_ceiling_say_why_an_answer_is_empty(service, worker):
    ids = fill(service, worker)
    none = search(service, terms=[{"track": ids[0]}], filter={"field": "title", "equals": "nothing"}).json()
    assert (none["matches"], bool(none["empty_because"])) == ([], True)
    others = search(
        service, terms=[{"track": ids[0]}], filter={"not": {"field": "artist", "same_as_query": True}}
    ).json()
    assert {match["track"]["metadata"]["artist"] for match in others["matches"]} == {"A1"}


@pytest.mark.parametrize(
    ("change", "status", "kind", "says"),
    [
        ({"encoder": "other"}, None, None, "other"),
        ({"weights": {"colour": 1}}, 422, "invalid-query", "colour"),
        ({"weights": {"timbre": 0, "rhythm": 0}}, 422, "invalid-query", ""),
        ({"weights": {}}, 422, "invalid-query", ""),
        ({"segment": {"start_s": 500, "end_s": 600}}, 422, "invalid-query", ""),
        ({"track": "01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55"}, None, None, "01936f5e"),
        ({"track": "no id"}, None, None, "no id"),
    ],
)
def test_a_search_that_makes_no_sense_names_its_fault(  # noqa: PLR0917 - pytest calls it by keyword
    service, worker, change, status, kind, says
):
    ids = fill(service, worker, 3)
    encoder = change.pop("encoder", None)
    answer = search(service, terms=[{"track": ids[0], **change}], **({"encoder": encoder} if encoder else {}))
    assert 400 <= answer.status_code < 500
    if status:
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:soundkin:problem:{kind}")
    assert says in answer.text


def test_a_track_that_is_not_embedded_yet_cannot_ask(service, worker):
    fill(service, worker, 2)
    waiting = service.upload(b"RIFFother").json()["track"]["id"]
    answer = search(service, terms=[{"track": waiting}])
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:soundkin:problem:not-embedded")


def by_audio(service, content=b"RIFFclip" + bytes(100), **query):
    return service.http.post(
        "/v1/search/audio", files={"file": ("c.wav", content)}, data={"query": json.dumps(query)} if query else {}
    )


def while_working(worker, call):
    """Call while somebody works."""
    stop = threading.Event()

    def work():
        while not stop.is_set():
            worker.work()
            time.sleep(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        return call()
    finally:
        stop.set()
        thread.join()


def test_a_search_by_audio_answers_in_one_call(service, worker):
    ids = fill(service, worker)
    answer = while_working(worker, lambda: by_audio(service, k=2))
    assert answer.status_code == 200
    assert len(answer.json()["matches"]) == 2
    clip = answer.json()["clip"]
    assert clip["state"] == "ready"
    again = search(service, terms=[{"clip": clip["id"]}, {"track": ids[0], "weights": {"rhythm": 1}}])
    assert again.status_code == 200
    assert ids[0] not in [match["track"]["id"] for match in again.json()["matches"]]


def test_the_file_can_be_one_term_of_several(service, worker):
    ids = fill(service, worker)
    terms = [{"clip": "$file", "weights": {"timbre": 1}}, {"track": ids[1], "weights": {"rhythm": 1}}]
    answer = while_working(worker, lambda: by_audio(service, terms=terms))
    assert answer.status_code == 200
    assert ids[1] not in [match["track"]["id"] for match in answer.json()["matches"]]


def test_the_bytes_of_a_track_find_others_but_not_itself(service, worker):
    fill(service, worker, 3)
    answer = while_working(worker, lambda: by_audio(service, content=b"RIFF" + bytes([1]) * 100))
    assert [match["track"]["metadata"]["title"] for match in answer.json()["matches"]].count("T1") == 0


def test_a_clip_that_takes_too_long_can_be_asked_with_later(service, worker):
    fill(service, worker)
    answer = by_audio(service, wait_s=0.2)
    assert answer.status_code == 202
    assert answer.json()["job"]["state"] == "queued"
    assert answer.json()["job"]["priority"] == 0
    worker.work()
    assert search(service, terms=[{"clip": answer.json()["clip"]["id"]}]).status_code == 200


def test_a_clip_that_cannot_be_embedded_is_refused_with_the_reason(service, worker):
    fill(service, worker, 2)
    answers = []
    thread = threading.Thread(target=lambda: answers.append(by_audio(service)))
    thread.start()
    service.until(lambda: service.http.get("/v1/jobs?state=queued").json()["items"])
    worker.refuse("it is cursed")
    thread.join()
    assert (answers[0].status_code, answers[0].json()["type"]) == (422, "urn:soundkin:problem:audio-refused")
    assert "it is cursed" in answers[0].json()["detail"]


def test_a_faulty_query_beside_a_file_is_refused(service):
    answer = by_audio(service, k=0, limit=3)
    assert answer.status_code == 422
    assert {fault["place"] for fault in answer.json()["errors"]} == {"body.query.k", "body.query.limit"}


def test_a_clip_goes_away_after_its_time(service):
    clip = service.upload(path="/v1/clips", ttl_s="0.05", keep_audio="false").json()["clip"]
    assert clip["keep_audio"] is False
    time.sleep(0.1)
    service.app.state.assembly.housekeeper.round()
    assert service.http.get(f"/v1/clips/{clip['id']}").status_code == 404
    assert service.ports.store._objects == {}


@pytest.mark.parametrize("fields", [{"ttl_s": "-1"}, {"ttl_s": "nan"}, {"ttl_s": "1e9"}, {"keep_audio": "perhaps"}])
def test_a_faulty_clip_is_refused(service, fields):
    answer = service.upload(path="/v1/clips", **fields)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["place"] == f"body.{next(iter(fields))}"


def test_sections_of_a_track_are_told_with_the_query_that_found_them(service, worker):
    ids = [service.upload(b"RIFF" + bytes([number]) * 100).json()["track"]["id"] for number in range(2)]
    worker.work()
    service.indexed()
    body = {"terms": [{"track": ids[0], "weights": {"timbre": 1}}], "track": ids[0], "min_similarity": 0.9}
    answer = service.http.post("/v1/search/sections", json=body).json()
    assert (answer["track"]["id"], answer["empty_because"]) == (ids[0], None)
    assert answer["sections"] == [{"start_s": 0, "end_s": 6, "similarity": pytest.approx(1, abs=1e-3)}]
    assert answer["query"] == {"encoders": ["fake"], "weights": {"timbre": 1.0, "rhythm": 0.0}, "tags": []}
    nothing = service.http.post("/v1/search/sections", json=body | {"terms": [{"track": ids[1]}]}).json()
    assert nothing["sections"] == []
    assert "best part" in nothing["empty_because"]


def test_sections_that_cannot_be_asked_for_are_refused(service, worker):
    track = service.upload().json()["track"]["id"]
    body = {"terms": [{"track": track}], "track": track}
    assert service.http.post("/v1/search/sections", json=body).status_code == 409
    worker.work()
    service.indexed()
    for wrong, place in (({"min_similarity": 2}, "min_similarity"), ({"k": 0}, "k"), ({"terms": []}, "terms")):
        answer = service.http.post("/v1/search/sections", json=body | wrong)
        assert (answer.status_code, answer.json()["errors"][0]["place"]) == (422, f"body.{place}")
    other = {"track": "01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55"}
    assert service.http.post("/v1/search/sections", json=body | other).status_code == 404


def test_a_match_tells_which_parts_belong_together(service, worker):
    ids = [service.upload(b"RIFF" + bytes([number]) * 100).json()["track"]["id"] for number in range(2)]
    worker.work()
    service.indexed()
    [match] = service.http.post("/v1/search", json={"terms": [{"track": ids[0]}]}).json()["matches"]
    assert match["segment"]["reference"] == {"id": ids[0], "start_s": 0, "end_s": 3}
