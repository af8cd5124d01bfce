import dataclasses
import json
import subprocess
import sys
import textwrap

from typer.testing import CliRunner

from app.api import keys, schemas, search_schemas, tag_schemas
from app.cli import commands
from app.domain import DEFAULT_LIBRARY, Library, new_id
from app.keys import Scope
from app.services.access import AccessService
from app.services.health import Finding, Verdict, is_ready


def test_metrics_tell_requests_queue_tracks_index_and_stages(service, worker):
    service.upload(b"RIFF1")
    worker.work()
    service.upload(b"RIFF2")
    service.http.get("/v1/tracks/nope")
    service.indexed()
    text = service.http.get("/metrics").text
    for line in (
        'soundkin_requests_total{method="POST",route="/v1/tracks",status="202"} 2.0',
        'soundkin_requests_total{method="GET",route="/v1/tracks/{track_id}",status="404"} 1.0',
        'soundkin_request_seconds_count{method="POST",route="/v1/tracks"} 2.0',
        'soundkin_jobs{priority="5",state="queued"} 1.0',
        'soundkin_tracks{state="ready"} 1.0',
        'soundkin_tracks{state="pending"} 1.0',
        "soundkin_up 1.0",
        "soundkin_workers 1.0",
        "soundkin_index_lag_changes 0.0",
        "soundkin_doorbell_errors_total 0.0",
        'encoder="fake"',
    ):
        assert line in text, line
    assert 'soundkin_jobs_oldest_age_seconds{priority="5",state="queued"}' in text


def test_paths_that_nobody_serves_share_one_label(service):
    service.http.get("/wp-admin/1")
    service.http.request("PROPFIND", "/wp-admin/2")
    text = service.http.get("/metrics").text
    assert 'method="GET",route="unmatched",status="404"' in text
    assert 'method="other",route="unmatched"' in text
    assert "wp-admin" not in text


def test_stats_count_what_there_is(service, worker):
    service.upload(b"RIFF1")
    worker.work()
    service.indexed()
    body = service.http.get("/v1/stats").json()
    assert body["tracks"] == {"pending": 0, "ready": 1, "failed": 0}
    assert [one["tracks"] for one in body["index"]["indexes"]] == [1]
    assert body["workers"][0]["alive"] is True
    assert service.http.post("/v1/index/check", json={}).json() == {"agrees": True, "differences": []}
    assert service.http.post("/v1/index/rebuild", json={}).json()["indexes"][0]["tracks"] == 1
    assert 0 <= body["disk"]["free_bytes"] <= body["disk"]["total_bytes"]


def test_the_command_builds_the_indexes_anew_and_says_what_they_hold(service, worker):
    service.upload(b"RIFF1")
    worker.work()
    service.indexed()
    done = CliRunner().invoke(commands, ["index", "rebuild", "--url", service.url], catch_exceptions=False)
    assert done.stdout.splitlines() == ["fake: 1 tracks", "Done."]


def test_stats_tell_another_library_nothing_of_the_service(service, worker):
    other = Library(new_id(), "other")
    with service.database.transaction() as tx:
        tx.catalogue.add_library(other)
    service.upload(b"RIFF1")
    worker.work()
    service.upload(b"RIFF2")
    access = AccessService(service.database, admin_key=None, loopback=True)
    theirs, ours = (
        {"Authorization": f"Bearer {access.create_key(library, 'test', Scope.READ)[1]}"}
        for library in (other.id, DEFAULT_LIBRARY)
    )
    told = service.http.get("/v1/stats", headers=theirs).json()
    assert (told["queue"], told["workers"], told["stages"], told["disk"]) == ([], None, {}, None)
    assert (told["index"]["lag"], told["index"]["applied_seq"]) == (None, None)
    waiting = {"file": ("a.wav", b"RIFF3" + bytes(100))}
    admin = {"Authorization": f"Bearer {access.create_key(other.id, 'test', Scope.ADMIN)[1]}"}
    service.http.post("/v1/tracks", files=waiting, headers=admin)
    [queued] = service.http.get("/v1/stats", headers=theirs).json()["queue"]
    assert (queued["state"], queued["count"]) == ("queued", 1)
    whole = service.http.get("/v1/stats", headers=ours).json()
    assert sum(depth["count"] for depth in whole["queue"]) == 2
    assert None not in (whole["workers"], whole["disk"])
    status = service.app.state.assembly.keeper.status()
    assert (whole["index"]["lag"], whole["index"]["applied_seq"]) == (status.lag, status.applied_seq)


def test_encoders_tell_their_share_of_the_catalogue(service, employ):
    assert service.http.get("/v1/encoders").json()["items"][0]["state"] == "loading"
    worker = employ(service)
    service.upload(b"RIFF1")
    worker.work()
    service.upload(b"RIFF2")

    def encoder():
        (shown,) = service.http.get("/v1/encoders").json()["items"]
        return shown

    service.until(lambda: encoder()["embedded_share"] == 0.5, within_s=20)  # counts may be a moment old
    shown = encoder()
    assert (shown["state"], shown["is_default"]) == ("ready", True)
    assert [space["name"] for space in shown["spaces"]] == ["timbre", "rhythm"]


def test_a_shadow_is_promoted(service, worker):
    with service.database.transaction() as tx:
        shadow = tx.catalogue.announce_encoder(
            dataclasses.replace(worker.encoder, id=new_id(), version="2", digest="e" * 64)
        )
    states = {one["version"]: one["state"] for one in service.http.get("/v1/encoders").json()["items"]}
    assert states == {"1": "ready", "2": "shadow"}
    promoted = service.http.post(f"/v1/encoders/{shadow.id}/promote?default=true").json()
    assert (promoted["state"], promoted["is_default"]) == ("ready", True)
    states = {one["version"]: one["state"] for one in service.http.get("/v1/encoders").json()["items"]}
    assert states == {"1": "retired", "2": "ready"}
    assert service.http.post(f"/v1/encoders/{new_id()}/promote").status_code == 404


def test_an_encoder_that_lacks_tracks_which_searches_find_is_promoted_by_force_only(service, worker):
    for number in range(3):
        service.upload(b"RIFF" + bytes([number]))
    worker.work()
    with service.database.transaction() as tx:
        for other in (Library(new_id(), "other"), Library(new_id(), "empty")):
            tx.catalogue.add_library(other)
        shadow = tx.catalogue.announce_encoder(
            dataclasses.replace(worker.encoder, id=new_id(), version="2", digest="e" * 64)
        )
        another = tx.catalogue.announce_encoder(
            dataclasses.replace(worker.encoder, id=new_id(), name="another", digest="f" * 64)
        )
    for encoder in (shadow, another):
        refused = service.http.post(f"/v1/encoders/{encoder.id}/promote?default=true")
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:soundkin:problem:conflict")
        assert "lacks vectors of 3 of the 3 tracks" in refused.json()["detail"]
    assert service.http.post(f"/v1/encoders/{another.id}/promote").status_code == 200  # it takes nobody's place
    assert [one["is_default"] for one in service.http.get("/v1/encoders").json()["items"]] == [True, False, False]
    forced = service.http.post(f"/v1/encoders/{another.id}/promote?default=true&force=true").json()
    assert (forced["is_default"], forced["embedded_share"]) == (True, 0)
    back = service.http.post(f"/v1/encoders/{worker.encoder.id}/promote?default=true")
    assert back.json()["is_default"] is True


def test_readiness_names_what_was_checked(service):
    body = service.http.get("/readyz").json()
    assert {finding["name"] for finding in body["findings"]} == {
        "database", "audio store", "doorbell", "workers", "index",
    }  # fmt: skip
    workers = next(finding for finding in body["findings"] if finding["name"] == "workers")
    assert (workers["verdict"], "python -m workers" in workers["remedy"]) == ("warn", True)


def test_a_finding_that_fails_makes_us_not_ready():
    assert is_ready([Finding("a", Verdict.OK, ""), Finding("b", Verdict.WARN, "")])
    assert not is_ready([Finding("a", Verdict.OK, ""), Finding("b", Verdict.FAIL, "")])


def test_the_documentation_needs_no_other_server(shared):
    page = shared.http.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    assert shared.http.get("/static-offline-docs/swagger-ui-bundle.js").status_code == 200


def bodies(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for media in operation.get("requestBody", {}).get("content", {}).values():
                yield f"{method} {path}", media


def test_every_body_in_the_documentation_has_an_example(shared):
    document = shared.http.get("/openapi.json").json()
    found = dict(bodies(document))
    assert len(found) >= 6
    for call, media in found.items():
        name = media["schema"].get("$ref", "").rpartition("/")[2]
        schema = document["components"]["schemas"].get(name, {})
        assert "example" in media or "example" in schema, call


def test_examples_in_the_documentation_are_valid(shared):
    for body in (
        schemas.MetadataBody,
        search_schemas.SearchBody,
        search_schemas.AudioSearchBody,
        search_schemas.TermBody,
        keys.KeyBody,
        schemas.TrackResponse,
        schemas.JobResponse,
        search_schemas.SearchResponse,
        tag_schemas.VocabularyResponse,
        tag_schemas.TrackTagsResponse,
    ):
        body.model_validate(body.model_config["json_schema_extra"]["example"])
    for term in search_schemas.TermBody.model_config["json_schema_extra"]["examples"]:
        search_schemas.TermBody.model_validate(term)


def test_the_web_process_never_loads_what_belongs_to_workers(tmp_path):
    script = textwrap.dedent(
        """
        import json, sys, threading, time
        from pathlib import Path
        import httpx, uvicorn
        from app.main import create_app
        from app.settings import Settings

        app = create_app(Settings(_env_file=None, data_dir=Path(sys.argv[1]), embedded_worker=False))
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
            answers = [
                http.get("/healthz").status_code,
                http.get("/v1/tracks").status_code,
                http.post("/v1/tracks", files={"file": ("a.mp3", b"no audio")}).status_code,
                http.post("/v1/search", json={"terms": [{"track": "x"}]}).status_code,
            ]
        server.should_exit = True
        thread.join()
        roots = {name.partition(".")[0] for name in sys.modules}
        print(json.dumps([answers, sorted(roots & {"torch", "librosa", "numba", "av", "models", "workers"})]))
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers, loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded == []
    assert answers[:3] == [200, 200, 422]
    assert 400 <= answers[3] < 500
