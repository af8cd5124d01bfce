import pytest

from app.domain import DEFAULT_LIBRARY, Library, new_id
from app.keys import Scope
from app.services.access import AccessService

MOOD = {"name": "Calm", "encoder": "fake", "weights": {"timbre": 1.0, "rhythm": -0.5}}


@pytest.fixture
def keep(service, worker):
    return lambda **change: service.http.post("/v1/weightings", json={**MOOD, **change})


def test_a_weighting_is_kept_changed_listed_and_deleted(service, keep):
    kept = keep()
    assert kept.status_code == 201
    weighting = kept.json()
    assert {name: weighting[name] for name in MOOD} == MOOD
    other = keep(name="Bright").json()
    listed = service.http.get("/v1/weightings").json()
    assert listed == {"items": [other, weighting]}
    place = f"/v1/weightings/{weighting['id']}"
    changed = service.http.put(place, json={**MOOD, "name": "Calmer", "weights": {"fake": 1}})
    assert changed.json() == {**weighting, "name": "Calmer", "weights": {"fake": 1}}
    assert service.http.delete(place).status_code == 204
    assert service.http.delete(place).status_code == 404
    assert service.http.get("/v1/weightings").json() == {"items": [other]}


def test_a_name_is_taken_once(service, keep):
    keep()
    twin = keep()
    assert (twin.status_code, twin.json()["type"]) == (409, "urn:soundkin:problem:conflict")
    assert "'Calm'" in twin.json()["detail"]
    other = keep(name="Other").json()
    renamed = service.http.put(f"/v1/weightings/{other['id']}", json=MOOD)
    assert renamed.status_code == 409
    assert len(service.http.get("/v1/weightings").json()["items"]) == 2


@pytest.mark.parametrize(
    ("change", "place", "says"),
    [
        ({"encoder": "unknown"}, "encoder", "Ready: fake"),
        ({"weights": {"colour": 1, "hue": 1}}, "weights.colour", "spaces are timbre, rhythm"),
        ({"weights": {"timbre": 0}}, "weights", "All weights are zero"),
        ({"weights": {}}, "body.weights", "at least 1"),
        ({"name": "  "}, "body.name", "at least 1"),
        ({"name": "a\0b"}, "body.name", "control characters"),
        ({"weights": {"timbre": 1e9}}, "body.weights.timbre", "less than"),
    ],
)
def test_what_no_search_could_use_is_refused(service, keep, change, place, says):
    refused = keep(**change)
    assert refused.status_code == 422
    fault = refused.json()["errors"][0]
    assert fault["place"] == place
    assert says in fault["message"]
    assert service.http.get("/v1/weightings").json() == {"items": []}


def test_before_any_encoder_is_there_nothing_can_be_kept(service):
    refused = service.http.post("/v1/weightings", json=MOOD)
    assert (refused.status_code, "no worker has announced one" in refused.json()["detail"]) == (422, True)


def test_libraries_do_not_see_each_others_weightings_and_readers_cannot_change_them(service, keep):
    other = Library(new_id(), "other")
    with service.database.transaction() as tx:
        tx.catalogue.add_library(other)
    kept = keep().json()
    access = AccessService(service.database, admin_key=None, loopback=True)
    headers = {
        name: {"Authorization": f"Bearer {access.create_key(library, name, scope)[1]}"}
        for name, library, scope in (
            ("stranger", other.id, Scope.ADMIN),
            ("reader", DEFAULT_LIBRARY, Scope.READ),
        )
    }
    place = f"/v1/weightings/{kept['id']}"
    http = service.http
    assert http.get("/v1/weightings", headers=headers["stranger"]).json() == {"items": []}
    assert http.put(place, json=MOOD, headers=headers["stranger"]).status_code == 404
    assert http.delete(place, headers=headers["stranger"]).status_code == 404
    assert http.post("/v1/weightings", json=MOOD, headers=headers["stranger"]).status_code == 201
    assert http.get("/v1/weightings", headers=headers["reader"]).json() == {"items": [kept]}
    assert http.post("/v1/weightings", json=MOOD, headers=headers["reader"]).status_code == 403
    assert http.delete(place, headers=headers["reader"]).status_code == 403
