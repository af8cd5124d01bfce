"""Components over HTTP: what they mean, their shares of the library, and what they say of a match."""

import pytest

from app.component_meaning import ComponentMeaning

HALF = 2**-10
"""Indexes keep vectors in half precision: products of coordinates may be off by so much of themselves."""

MEANINGS = tuple(
    ComponentMeaning(share, tags)
    for share, tags in [(0.4, (("calm", 2.5), ("piano", 1.5))), (0.3, ()), (0.2, (("loud", 4.0),)), (0.1, ())]
)


@pytest.fixture
def mixture(service, employ):
    """A worker whose first space has components."""
    return employ(service, components={"timbre": MEANINGS})


@pytest.fixture
def filled(service, mixture):
    """Ids of six tracks."""
    uploads = [service.upload(b"RIFF" + bytes([number]) * 100).json() for number in range(6)]
    mixture.work()
    service.indexed()
    return [upload["track"]["id"] for upload in uploads]


def components(service, query=""):
    return service.http.get(f"/v1/encoders/fake/components{query}")


def shares(service, track_id):
    """Of the four components in a track, by the definition: a vector is the root of shares."""
    return [value**2 for value in service.http.get(f"/v1/tracks/{track_id}/embedding").json()["spaces"]["timbre"]]


def test_components_come_with_their_tags_and_shares_the_greatest_first(service, filled):
    answer = components(service).json()
    assert (answer["encoder"], answer["digest"], answer["tracks"]) == ("fake", "d" * 64, 6)
    by_hand = [sum(column) / 6 for column in zip(*[shares(service, each) for each in filled], strict=True)]
    order = sorted(range(4), key=lambda number: -by_hand[number])
    assert [item["component"] for item in answer["items"]] == order
    assert [item["share"] for item in answer["items"]] == pytest.approx(
        [by_hand[number] for number in order], rel=HALF
    )
    first = next(item for item in answer["items"] if item["component"] == 0)
    assert (first["space"], first["learnt_share"]) == ("timbre", 0.4)
    assert first["tags"] == [{"tag": "calm", "lift": 2.5}, {"tag": "piano", "lift": 1.5}]


def test_components_name_the_tracks_that_show_them_best(service, filled):
    for item in components(service, "?tracks=2").json()["items"]:
        best = sorted(filled, key=lambda each: -shares(service, each)[item["component"]])[:2]
        assert [shown["track"]["id"] for shown in item["tracks"]] == best
        expected = [shares(service, each)[item["component"]] for each in best]
        assert [shown["share"] for shown in item["tracks"]] == pytest.approx(expected, rel=HALF)


def test_an_empty_library_has_components_without_tracks(service, mixture):
    service.until(lambda: components(service).status_code == 200)
    answer = components(service).json()
    assert answer["tracks"] == 0
    assert {(item["share"], len(item["tracks"])) for item in answer["items"]} == {(0.0, 0)}


def test_a_removed_track_is_no_example(service, filled):
    gone = components(service, "?tracks=1").json()["items"][0]["tracks"][0]["track"]["id"]
    assert service.http.delete(f"/v1/tracks/{gone}").is_success
    service.until(lambda: components(service).json()["tracks"] == 5)
    shown = {each["track"]["id"] for item in components(service).json()["items"] for each in item["tracks"]}
    assert gone not in shown


@pytest.mark.parametrize(
    ("name", "says"), [("nobody", "Ready: fake"), ("fake", "has no components that could be read")]
)
def test_what_has_no_components_is_not_found(service, worker, name, says):
    answer = service.http.get(f"/v1/encoders/{name}/components")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:soundkin:problem:not-found")
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("query", ["?tracks=21", "?tracks=-1", "?tracks=many"])
def test_a_number_of_tracks_out_of_bounds_is_refused(service, mixture, query):
    assert components(service, query).status_code == 422


def test_a_match_is_explained_by_the_components_that_it_shares(service, filled):
    body = {"terms": [{"track": filled[0], "weights": {"timbre": 1}}]}
    for match in service.http.post("/v1/search", json=body).json()["matches"]:
        pairs = zip(*[_vector(service, each) for each in (filled[0], match["track"]["id"])], strict=True)
        products = [one * other for one, other in pairs]
        shown = match["by_component"]
        assert {share["component"]: share["contribution"] for share in shown} == pytest.approx(
            dict(enumerate(products)), rel=HALF
        )
        sizes = [abs(share["contribution"]) for share in shown]
        assert sizes == sorted(sizes, reverse=True)
        assert {share["component"]: share["tags"] for share in shown}[0] == ["calm", "piano"]
        assert sum(share["contribution"] for share in shown) == pytest.approx(match["similarity"], abs=1e-5)


def test_a_match_in_a_space_without_components_speaks_of_none(service, filled):
    body = {"terms": [{"track": filled[0], "weights": {"rhythm": 1}}]}
    assert service.http.post("/v1/search", json=body).json()["matches"][0]["by_component"] == []


def _vector(service, track_id):
    return service.http.get(f"/v1/tracks/{track_id}/embedding").json()["spaces"]["timbre"]
