import http.client
import json
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from app.adapters.audio_store import INCOMING, LocalAudioStore
from app.adapters.memory_database import MemoryDatabase
from app.errors import AudioRefused, DatabaseUnavailable, StorageFull

BOUNDARY = "xyz"


def raw(service, body, content_type=f"multipart/form-data; boundary={BOUNDARY}", path="/v1/tracks", headers=None):
    return service.http.post(path, content=body, headers={"Content-Type": content_type, **(headers or {})})


def part(name, content, filename=None):
    label = f'; filename="{filename}"' if filename is not None else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{label}\r\n\r\n'
    return head.encode() + content + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FILE = part("file", b"RIFF" + bytes(100), "a.wav")


def is_problem(answer, status, says=""):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    assert says in body["detail"], body["detail"]
    return True


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "ends before its closing boundary"),
        (b"no multipart at all", "multipart body is broken"),
        (FILE, "ends before its closing boundary"),
        (END, "'file' is missing"),
        (part("file", b"", "a.wav") + END, "'file' is empty"),
        (FILE + FILE + END, "'file' comes twice"),
        (part("metadata", b"{}") + END, "'file' is missing"),
        (part("metadata", b"{}") + part("metadata", b"{}") + FILE + END, "'metadata' comes twice"),
        (part("colour", b"red") + FILE + END, "'colour' is not known here; expected: file, metadata"),
        (part("metadata", b"{") + FILE + END, "'metadata' is not valid JSON"),
        (part("metadata", b'{"a":' * 5000) + FILE + END, "'metadata' is not valid JSON"),
        (part("metadata", b"\xff\xfe") + FILE + END, "'metadata' is not UTF-8"),
        (part("metadata", b"[]") + FILE + END, "body.metadata"),
        (part("metadata", b'{"tytle": "x"}') + FILE + END, "body.metadata.tytle"),
        (part("metadata", b'{"title": "a\\u0000b"}') + FILE + END, "control characters"),
        (part("metadata", b'{"extra": {"x": NaN}}') + FILE + END, "cannot be stored as JSON"),
        (part("metadata", b'{"extra": {"x": "\\u0000"}}') + FILE + END, "control characters"),
        (part("metadata", b'{"title": "\\ud800"}') + FILE + END, "body.metadata.title"),
        (part("metadata", b'{"extra": {"x": "\\ud800"}}') + FILE + END, "body.metadata.extra"),
        (part("metadata", b'{"title": 5, "tags": "x"}') + FILE + END, "body.metadata.tags"),
        (part("metadata", b" " * 70_000) + FILE + END, "more than 65536 bytes"),
        (b"--xyz\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END, "'(no name)' is not known"),
        (part("file", b"just text", "song.mp3") + END, "not audio"),
    ],
)
def test_a_faulty_upload_is_refused_with_what_is_wrong(shared, body, says):
    assert is_problem(raw(shared, body), 422, says)
    assert shared.http.get("/v1/tracks").json()["items"] == []
    assert shared.ports.store._objects == {}


def test_all_faults_of_the_metadata_are_told_together(shared):
    answer = raw(shared, part("metadata", b'{"title": 5, "tytle": "", "tags": [""]}') + FILE + END)
    assert {fault["place"] for fault in answer.json()["errors"]} == {
        "body.metadata.title",
        "body.metadata.tytle",
        "body.metadata.tags[0]",
    }


@pytest.mark.parametrize(
    ("content_type", "status", "says"),
    [
        ("application/json", 415, "expected multipart/form-data"),
        ("", 415, "expected multipart/form-data"),
        ("multipart/form-data", 422, "names no boundary"),
        ("multipart/form-data; boundary=" + "x" * 500, 422, "boundary"),
    ],
)
def test_a_body_of_another_type_is_refused(shared, content_type, status, says):
    assert is_problem(raw(shared, FILE + END, content_type), status, says)


def test_a_file_that_is_too_large_is_refused_while_it_comes(serve):
    service = serve(max_upload_bytes=2_000_000)
    body = part("file", b"RIFF" + bytes(4_000_000), "a.wav") + END
    assert is_problem(raw(service, body), 413, "2000000 bytes")

    def chunks():
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    assert is_problem(raw(service, chunks()), 413, "2000000 bytes")
    assert raw(service, part("file", b"RIFF" + bytes(1_999_996), "a.wav") + END).status_code == 202


def test_a_client_that_goes_away_leaves_nothing(serve, tmp_path):
    service = serve(store=LocalAudioStore(tmp_path / "audio"))
    address = urlsplit(service.url)
    connection = http.client.HTTPConnection(address.hostname, address.port)
    connection.putrequest("POST", "/v1/tracks")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", "100000000")
    connection.endheaders(part("file", b"RIFF" + bytes(3_000_000), "a.wav"))
    incoming = tmp_path / "audio" / INCOMING
    service.until(lambda: any(incoming.iterdir()))
    connection.close()
    connection.sock = None
    service.until(lambda: not any(incoming.iterdir()))
    assert service.http.get("/v1/tracks").json()["items"] == []


def test_a_name_from_a_foreign_system_is_cut_to_its_last_part(service):
    names = {"..\\..\\evil.wav": "evil.wav", "/etc/passwd": "passwd", "x" * 400: "x" * 255}
    for index, (name, kept) in enumerate(names.items()):
        answer = raw(service, part("file", b"RIFF" + bytes([index]), name.replace("\\", "\\\\")) + END)
        assert answer.json()["track"]["filename"] == kept


@pytest.mark.parametrize("path", ["/v1/tracks/{}", "/v1/tracks/{}/audio", "/v1/jobs/{}", "/v1/clips/{}"])
@pytest.mark.parametrize("name", ["nope", "123", "%00", "0" * 5000, "01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55"])
def test_an_id_that_does_not_exist_is_not_found(shared, path, name):
    assert is_problem(shared.http.get(path.format(name)), 404)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/v1/tracks?limit=0", "query.limit"),
        ("/v1/tracks?limit=100000", "query.limit"),
        ("/v1/tracks?sort=colour", "colour"),
        ("/v1/tracks?cursor=%21%21", "cursor"),
        ("/v1/tracks?text=a%00b", "control characters"),
        ("/v1/tracks?state=lost", "query.state"),
        ("/v1/tracks?filter=%7B", "query.filter"),
        ("/v1/jobs?cursor=x", "cursor"),
        ("/v1/jobs?state=lost", "query.state"),
    ],
)
def test_a_faulty_listing_is_refused(shared, path, says):
    assert is_problem(shared.http.get(path), 422, says)


def test_jobs_about_something_that_is_no_id_are_not_found(shared):
    assert is_problem(shared.http.get("/v1/jobs?subject=x"), 404)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "not valid JSON"),
        ("", "body"),
        ("null", "body"),
        ("[]", "body"),
        ("{}", "body.terms"),
        ('{"terms": []}', "body.terms"),
        ('{"terms": [{}]}', "exactly one of 'track', 'clip' and 'tag'"),
        ('{"terms": [{"word": "piano"}]}', "exactly one of 'track', 'clip' and 'tag'; this one has ['word']"),
        ('{"terms": [{"tag": "piano", "track": "x"}]}', "exactly one of"),
        ('{"terms": [{"tag": "piano", "weights": {"mood": 1}}]}', "a tag is asked with 'weight' and 'space', not"),
        ('{"terms": [{"track": "x", "weight": 2}]}', "a track is asked with 'weights' and 'segment', not with"),
        ('{"terms": [{"tag": ""}]}', "body.terms[0].tag"),
        ('{"terms": [{"tag": "piano", "weight": NaN}]}', "body.terms[0].weight"),
        ('{"terms": [{"tag": "piano", "weight": 1e300}]}', "less than or equal"),
        ('{"terms": [{"track": "a", "clip": "b"}]}', "exactly one of"),
        ('{"terms": ["x"]}', "body.terms[0]"),
        ('{"terms": [{"track": "x", "weights": {"timbre": NaN}}]}', "finite"),
        ('{"terms": [{"track": "x", "weights": {"timbre": Infinity}}]}', "finite"),
        ('{"terms": [{"track": "x", "weights": {"timbre": 1e300}}]}', "less than or equal"),
        ('{"terms": [{"track": "x", "weights": {"timbre": "loud"}}]}', "number"),
        ('{"terms": [{"track": "x", "segment": {"start_s": 5, "end_s": 5}}]}', "end after its start"),
        ('{"terms": [{"track": "x", "segment": {"start_s": -1, "end_s": 5}}]}', "start_s"),
        ('{"terms": [{"track": "x"}], "k": 0}', "body.k"),
        ('{"terms": [{"track": "x"}], "k": 1000000}', "body.k"),
        ('{"terms": [{"track": "x"}], "max_similarity": 2}', "body.max_similarity"),
        ('{"terms": [{"track": "x"}], "diversity": -1}', "body.diversity"),
        ('{"terms": [{"track": "x"}], "limit": 5}', "body.limit"),
        ('{"terms": [{"track": "x"}], "filter": {"field": "colour", "in": ["red"]}}', "no field 'colour'"),
        (
            '{"terms": [{"track": "x"}], "filter": {"field": "duration_s", "gte": NaN}}',
            "body.filter.gte.number: Input should be a finite number",
        ),
        ('{"terms": [{"track": "x"}], "filter": {"field": "duration_s", "gte": true}}', "valid number"),
    ],
)
def test_a_faulty_search_is_refused_with_its_place(shared, body, says):
    answer = shared.http.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert is_problem(answer, 422, says)


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"[" * 200_000, b"1" * 10_000])
def test_a_body_that_cannot_be_read_is_a_problem_of_the_caller(shared, body):
    answer = shared.http.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("content_type", ["application/json", f"multipart/form-data; boundary={BOUNDARY}"])
def test_a_json_body_without_end_is_cut_whatever_it_is_called(shared, content_type):
    body = json.dumps({"terms": [{"track": "x" * 2_000_000}]})
    answer = shared.http.post("/v1/search", content=body, headers={"Content-Type": content_type})
    assert is_problem(answer, 413, "1048576 bytes")


def test_a_filter_of_hundreds_of_levels_is_refused_as_a_whole(shared):
    where = '{"not": ' * 400 + "{}" + "}" * 400
    body = f'{{"terms": [{{"track": "x"}}], "filter": {where}}}'
    answer = shared.http.post("/v1/search", content=body, headers={"Content-Type": "application/json"})
    assert is_problem(answer, 422, "20 levels")
    assert [fault["place"] for fault in answer.json()["errors"]] == ["body.filter"]


def test_the_place_of_a_fault_stays_readable_however_long_it_is(shared):
    query = {"terms": [{"track": "x", "weights": {"space" * 200: "much"}}]}
    answer = shared.http.post("/v1/search", json=query)
    assert is_problem(answer, 422, "body.terms[0].weights.spacespace")
    assert all(len(fault["place"]) < 210 for fault in answer.json()["errors"])


def test_thousands_of_faults_are_not_all_told(shared):
    answer = shared.http.post("/v1/search", json={f"field {number}": 1 for number in range(5000)})
    assert is_problem(answer, 422, "more faults")
    assert len(answer.content) < 50_000


def test_unknown_paths_and_methods_are_problems(shared):
    assert is_problem(shared.http.get("/v2/nothing"), 404, "/docs")
    assert is_problem(shared.http.put("/v1/tracks"), 405, "PUT /v1/tracks")


class FullStore(LocalAudioStore):
    """A disk that is full after so many bytes."""

    def create(self):
        upload = super().create()
        write = upload.write
        written = 0

        def limited(data):
            nonlocal written
            written += len(data)
            if written > 100_000:
                raise StorageFull("No space left for audio. Make room in the data directory.")
            write(data)

        upload.write = limited
        return upload


def test_a_full_disk_is_told_and_leaves_nothing(serve, tmp_path):
    service = serve(store=FullStore(tmp_path / "audio"))
    assert is_problem(service.upload(b"RIFF" + bytes(2_000_000)), 507, "No space left")
    assert [path for path in (tmp_path / "audio").rglob("*") if path.is_file()] == []
    assert service.upload(b"RIFF").status_code == 202


class FragileDatabase(MemoryDatabase):
    """Goes away: before a transaction, or when it commits, with or without having stored it."""

    def __init__(self):
        super().__init__()
        self.away = False
        self.lose = None

    def transaction(self, *, read_only=False):
        if self.away:
            raise DatabaseUnavailable("The database does not answer.")
        if self.lose is None or read_only:
            return super().transaction(read_only=read_only)
        return self._lost()

    def _lost(self):
        @contextmanager
        def lost():
            kind, self.lose = self.lose, None
            before = self._state
            with MemoryDatabase.transaction(self) as tx:
                yield tx
            if kind == "before commit":
                self._state = before
            if kind == "and stays away":
                self._state, self.away = before, True
            raise DatabaseUnavailable("The connection was lost at commit.")

        return lost()


def test_a_database_that_is_away_is_told_and_comes_back(serve):
    service = serve(database=FragileDatabase())
    service.database.away = True
    for answer in (service.upload(), service.http.get("/v1/tracks"), service.http.get("/v1/stats")):
        assert is_problem(answer, 503)
        assert answer.headers["retry-after"] == "2"
    assert service.http.get("/healthz").status_code == 200
    assert service.http.get("/readyz").status_code == 503
    service.database.away = False
    assert service.upload().status_code == 202
    assert service.http.get("/readyz").status_code == 200


def test_an_upload_whose_commit_was_lost_leaves_no_audio(serve):
    service = serve(database=FragileDatabase())
    service.database.lose = "before commit"
    assert is_problem(service.upload(), 503)
    assert service.ports.store._objects == {}
    assert service.upload().status_code == 202


def test_an_upload_that_was_stored_is_acknowledged_though_the_answer_was_lost(serve):
    service = serve(database=FragileDatabase())
    service.database.lose = "after commit"
    answer = service.upload()
    assert answer.status_code == 202
    assert service.http.get(f"/v1/tracks/{answer.json()['track']['id']}/audio").status_code == 200


def test_audio_of_an_upload_of_unknown_outcome_is_settled_when_the_database_is_back(serve):
    service = serve(database=FragileDatabase())
    service.database.lose = "and stays away"
    assert is_problem(service.upload(), 503)
    assert len(service.ports.store._objects) == 1
    service.database.away = False
    service.app.state.assembly.housekeeper.round()
    assert service.ports.store._objects == {}


class BrokenDatabase(MemoryDatabase):
    """Has a fault that nobody foresaw."""

    broken = False

    def transaction(self, *, read_only=False):
        if self.broken:
            raise ZeroDivisionError("secret detail")
        return super().transaction(read_only=read_only)


def test_a_fault_of_ours_is_told_without_its_details(serve):
    service = serve(database=BrokenDatabase())
    service.database.broken = True
    answer = service.http.get("/v1/tracks", headers={"X-Request-ID": "mine-42"})
    service.database.broken = False
    assert is_problem(answer, 500, "request id")
    assert "secret" not in answer.text
    assert answer.headers["x-request-id"] == "mine-42"


class StuckProbe:
    """Looks into a file until it is let go."""

    def __init__(self):
        self.let_go = threading.Event()
        self.asked = 0

    def probe(self, path):
        self.asked += 1
        self.let_go.wait(20)
        raise AudioRefused("It took too long.")

    def close(self):
        pass


def test_uploads_that_are_stuck_do_not_hold_up_anything_else(serve):
    probe = StuckProbe()
    service = serve(probe=probe)
    uploads = [threading.Thread(target=service.upload, args=(b"RIFF" + bytes([n]),)) for n in range(50)]
    for upload in uploads:
        upload.start()
    service.until(lambda: probe.asked >= 8)
    assert service.http.get("/v1/tracks", timeout=5).status_code == 200
    probe.let_go.set()
    for upload in uploads:
        upload.join()
