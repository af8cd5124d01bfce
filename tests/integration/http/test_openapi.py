"""schemathesis sends what the OpenAPI document allows, and what it does not; nothing may be our fault."""

import itertools
import time

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode

from app.adapters.sql_database import SqlDatabase

STREAMS = {"/v1/events"}
EXAMPLES = 8
BUDGET_S = 20.0
LONGEST_ADDRESS = 65_000
"""Uvicorn refuses longer ones by itself, before anybody of ours hears of them."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def filled(request, serve):
    """A service with something in it, so that there are ids to be found."""
    if request.param == "postgres":
        request.getfixturevalue("postgres_cleaner")()
    database = SqlDatabase(request.getfixturevalue(f"{request.param}_url"))
    service = serve(database=database, clip_wait_s=0.2)  # no worker is there to wait for
    track, clip = service.upload(b"RIFF1").json(), service.upload(b"RIFF2", path="/v1/clips").json()
    service.ids = {"track_id": track["track"]["id"], "job_id": track["job"]["id"], "clip_id": clip["clip"]["id"]}
    request = {"reference": {"clip": clip["clip"]["id"]}}
    brief = service.http.post("/v1/briefs", json={"name": "Rain", "request": request})
    service.ids["brief_id"] = brief.json()["id"]
    return service


@pytest.mark.slow
def test_nothing_that_is_sent_is_answered_with_a_server_error(filled):
    schema = schemathesis.openapi.from_dict(filled.http.get("/openapi.json").json())
    schema.config.update(base_url=filled.url)
    operations = [result.ok() for result in schema.get_all_operations()]
    checked = [one for one in operations if one.path not in STREAMS]
    assert len(checked) >= 25
    deadline = time.monotonic() + BUDGET_S
    for operation, mode in itertools.product(checked, (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)):
        attack(filled, operation, mode, EXAMPLES if time.monotonic() < deadline else 1)


def attack(service, operation, mode, examples):
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), existing=st.booleans())
    def send(case, existing):
        if existing and case.path_parameters:
            case.path_parameters = {
                name: service.ids.get(name, value) for name, value in case.path_parameters.items()
            }
        answer = case.call(timeout=20)
        case.validate_response(answer, checks=[not_a_server_error])
        if len(answer.request.url or "") > LONGEST_ADDRESS:
            return
        assert "x-request-id" in answer.headers
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"] or answer.status_code == 503

    try:
        send()
    except hypothesis.errors.Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE, f"{operation.label} allows nothing"
