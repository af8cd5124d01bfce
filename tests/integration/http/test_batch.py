"""Several searches in one request."""

from uuid import uuid4

import pytest

from tests.integration.http.test_search import fill, search


def batch(service, *searches):
    return service.http.post("/v1/search/batch", json={"searches": list(searches)})


def found(answer):
    return [(match["track"]["id"], pytest.approx(match["similarity"], abs=1e-6)) for match in answer["matches"]]


def test_each_is_answered_as_it_would_be_alone(service, worker):
    ids = fill(service, worker)
    searches = [{"terms": [{"track": each}], "k": k} for each in ids for k in (1, 3)]
    searches.append({"terms": [{"track": ids[0]}], "k": 2, "filter": {"field": "title", "equals": "nothing"}})
    searches.append({"terms": [{"track": ids[0], "weights": {"rhythm": 1}}], "k": 4, "diversity": 0.5})
    answers = batch(service, *searches).json()["answers"]
    for asked, one in zip(searches, answers, strict=True):
        assert one["problem"] is None
        alone = search(service, **asked).json()
        assert found(one["answer"]) == found(alone)
        assert one["answer"]["query"] == alone["query"]


def test_one_that_cannot_be_answered_says_why_and_the_others_go_on(service, worker):
    ids = fill(service, worker)
    stranger = str(uuid4())
    good = {"terms": [{"track": ids[0]}]}
    answer = batch(
        service, good, {"terms": [{"track": stranger}]}, {"terms": [{"track": ids[0], "weights": {"x": 1}}]}
    )
    assert answer.status_code == 200
    first, missing, unknown = answer.json()["answers"]
    assert len(first["answer"]["matches"]) == 5
    assert (missing["answer"], missing["problem"]["status"]) == (None, 404)
    assert stranger in missing["problem"]["detail"]
    assert (unknown["problem"]["status"], unknown["problem"]["errors"][0]["place"]) == (422, "terms.0.weights.x")


@pytest.mark.parametrize("searches", [[], [{}] * 101, [{"terms": []}]])
def test_no_searches_too_many_or_one_that_is_none_are_refused(service, searches):
    answer = batch(service, *searches)
    assert answer.status_code == 422
    assert answer.json()["errors"]
