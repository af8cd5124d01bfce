import pytest


def fill(service, worker, count=8):
    ids = [service.upload(b"RIFF" + bytes([number]) * 100).json()["track"]["id"] for number in range(count)]
    worker.work()
    service.indexed()
    return ids


def ask(service, **body):
    return service.http.post("/v1/feedback", json=body)


def test_a_proposal_comes_with_old_and_new_weights_and_reasons(service, worker):
    ids = fill(service, worker)
    search = {"terms": [{"track": ids[0], "weights": {"timbre": 2, "rhythm": 1}}], "k": 5}
    found = service.http.post("/v1/search", json=search).json()["matches"]
    best = max(found, key=lambda match: match["by_space"]["rhythm"]["similarity"])["track"]["id"]
    worst = min(found, key=lambda match: match["by_space"]["rhythm"]["similarity"])["track"]["id"]
    answer = ask(service, search=search, liked=[best], disliked=[worst])
    assert answer.status_code == 200
    proposal = answer.json()
    assert (proposal["encoder"], proposal["judgements"]) == ("fake", 2)
    [term] = proposal["terms"]
    assert (term["term"], term["weights"]["old"]) == (0, {"timbre": 1, "rhythm": 0.5})
    new = term["weights"]["new"]
    assert (max(new.values()), new["rhythm"] > 0.5 * new["timbre"]) == (1, True)
    assert 0 < proposal["certainty"] < 1
    for change in term["changes"]:
        assert new[change["space"]] == change["new"]
        assert change["space"] in change["why"]
    again = {"terms": [{"track": ids[0], "weights": new}]}
    assert service.http.post("/v1/search", json=again).status_code == 200
    later = ask(
        service, search=again, liked=[best], earlier=[{"search": search, "liked": [best], "disliked": [worst]}]
    )
    assert later.json()["judgements"] == 3


def test_each_of_several_references_has_a_proposal_of_its_own(service, worker):
    ids = fill(service, worker)
    terms = [{"track": ids[0]}, {"track": ids[1], "weights": {"rhythm": 1}}]
    search = {"terms": terms, "k": 5}
    found = [match["track"]["id"] for match in service.http.post("/v1/search", json=search).json()["matches"]]
    proposal = ask(service, search=search, liked=[found[2]], disliked=[found[0]]).json()
    assert [each["term"] for each in proposal["terms"]] == [0, 1]
    assert proposal["terms"][1]["weights"]["old"] == {"timbre": 0, "rhythm": 1}
    assert any(each["changes"] for each in proposal["terms"])
    learnt = [
        {**term, "weights": each["weights"]["new"]} for term, each in zip(terms, proposal["terms"], strict=True)
    ]
    earlier = [{"search": search, "liked": [found[2]], "disliked": [found[0]]}]
    later = {"search": {"terms": learnt, "k": 5}, "liked": [found[1]]}
    assert ask(service, **later, earlier=earlier).json()["judgements"] == 3
    other = {"search": {"terms": learnt[:1], "k": 5}, "liked": [found[1]]}
    refused = ask(service, **other, earlier=earlier)
    assert (refused.status_code, refused.json()["errors"][0]["place"]) == (422, "earlier.0.search")


@pytest.mark.parametrize(
    ("change", "status", "kind", "place"),
    [
        ({"liked": []}, 422, "invalid-query", "liked"),
        ({"liked": ["01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55"]}, 404, "not-found", None),
        ({"liked": ["no id"]}, 404, "not-found", None),
        ({"liked": ["x" * 2000]}, 422, "invalid-request", "body.liked[0]"),
        ({"liked": ["x"] * 101}, 422, "invalid-request", "body.liked"),
        ({"like": []}, 422, "invalid-request", "body.like"),
    ],
)
def test_a_request_that_makes_no_sense_names_its_fault(  # noqa: PLR0917 - pytest calls it by keyword
    service, worker, change, status, kind, place
):
    ids = fill(service, worker, 4)
    answer = ask(service, **{"search": {"terms": [{"track": ids[0]}]}, "liked": [ids[1]], **change})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:soundkin:problem:{kind}")
    assert [fault["place"] for fault in answer.json()["errors"]] == ([place] if place else [])


def test_a_track_liked_and_disliked_and_a_wrong_space_are_named_together(service, worker):
    ids = fill(service, worker, 4)
    search = {"terms": [{"track": ids[0], "weights": {"colour": 1}}]}
    answer = ask(service, search=search, liked=[ids[1]], disliked=[ids[1]])
    assert answer.status_code == 422
    assert {fault["place"] for fault in answer.json()["errors"]} == {"disliked.0", "search.terms.0.weights.colour"}


def test_a_judged_track_that_waits_for_its_vectors_says_so(service, worker):
    ids = fill(service, worker, 4)
    waiting = service.upload(b"RIFFother").json()["track"]["id"]
    answer = ask(service, search={"terms": [{"track": ids[0]}]}, liked=[waiting])
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:soundkin:problem:not-embedded")
    service.http.delete(f"/v1/tracks/{ids[1]}")
    gone = ask(service, search={"terms": [{"track": ids[0]}]}, liked=[ids[1]])
    assert gone.status_code == 404
