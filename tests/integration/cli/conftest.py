"""The command line against a service that behaves as a test tells it: busy, broken, gone and back again."""

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from app.api.schemas import JobResponse, TrackResponse
from app.cli import commands

Answer = tuple[int, dict[str, Any], dict[str, str]]
TRACK = TrackResponse.model_config["json_schema_extra"]["example"]
JOB = JobResponse.model_config["json_schema_extra"]["example"]


@dataclass
class Scripted:
    """Takes uploads, and answers each job as done at the second look. ``interfere`` may answer in its place;
    it hears the method and path as one text."""

    interfere: Callable[[str], Answer | None] = lambda _call: None
    uploads: list[dict[str, Any]] = field(default_factory=list)
    tracks: dict[str, dict[str, Any]] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    searches: list[dict[str, Any]] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)
    looks: dict[str, int] = field(default_factory=dict)
    keys: set[str | None] = field(default_factory=set)
    busy: int = 0
    busiest: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def post(self, path: str, headers: Any, body: bytes) -> Answer:
        if path == "/v1/search":
            self.searches.append(json.loads(body))
            return 200, self.answer, {}
        parts = parse_parts(headers, body)
        track_id = hashlib.sha256(parts["file"]["data"]).hexdigest()[:8]
        with self.lock:
            created = track_id not in self.tracks
            self.uploads.append({name: part["text"] for name, part in parts.items()} | {"id": track_id})
            self.tracks.setdefault(
                track_id, TRACK | {"id": track_id, "state": "pending", "filename": parts["file"]["text"]}
            )
        track = self.tracks[track_id]
        noun = "clip" if path == "/v1/clips" else "track"
        job = JOB | {"id": f"job-{track_id}", "state": "queued"}
        return 202 if created else 200, {noun: track, "job": job, "created": created}, {}

    def get(self, path: str) -> Answer:
        where, _, query = path.partition("?")
        if where.startswith("/v1/tracks/"):
            track = self.tracks.get(where.rsplit("/", 1)[1])
            return (200, track, {}) if track else (404, {"detail": "There is no such track."}, {})
        if where == "/v1/jobs":
            track_id = query.removeprefix("subject=").split("&")[0]
            return 200, {"items": [JOB | {"id": f"job-{track_id}"}], "next_cursor": None}, {}
        if where.startswith("/v1/jobs/"):
            return 200, self.job(where.rsplit("/", 1)[1]), {}
        return 200, {}, {}

    def job(self, job_id: str) -> dict[str, Any]:
        self.looks[job_id] = self.looks.get(job_id, 0) + 1
        track = self.tracks[job_id.removeprefix("job-")]
        if self.looks[job_id] < 2:
            return JOB | {"id": job_id}
        reason = self.failing.get(track["filename"])
        track["state"] = "failed" if reason else "ready"
        error = {"code": "broken", "message": reason} if reason else None
        return JOB | {"id": job_id, "state": "failed" if reason else "done", "error": error}


def parse_parts(headers: Any, body: bytes) -> dict[str, dict[str, Any]]:
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = {}
    for part in message.iter_parts():
        data = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        parts[name] = {"data": data, "text": part.get_filename() or data.decode()}
    return parts


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Server"

    def do_GET(self) -> None:
        self.handle_call(lambda: self.server.script.get(self.path))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.handle_call(lambda: self.server.script.post(self.path, self.headers, body))

    def handle_call(self, call: Callable[[], Answer]) -> None:
        script = self.server.script
        script.keys.add(self.headers.get("Authorization"))
        with script.lock:
            script.busy += 1
            script.busiest = max(script.busiest, script.busy)
        try:
            self.send(script.interfere(f"{self.command} {self.path}") or call())
        except ConnectionResetError:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        finally:
            with script.lock:
                script.busy -= 1

    def send(self, answer: Answer) -> None:
        status, body, headers = answer
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(data))}).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """The tests have their own words."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, script: Scripted) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = script

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


@pytest.fixture
def service() -> Iterator[Scripted]:
    script = Scripted()
    with Server(script) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield script
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the ledgers of whoever runs it, and nobody waits long."""
    monkeypatch.setattr(typer, "get_app_dir", lambda name: str(tmp_path / "home" / name))
    monkeypatch.setattr("app.client.patience.FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr("app.cli.ingestion.LOOK_S", 0.02)
    monkeypatch.setattr("app.client.sync_client.LOOK_S", 0.02)
    for name in ("SOUNDKIN_URL", "SOUNDKIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "300")


@dataclass
class Ran:
    status: int
    out: str
    err: str
    error: BaseException | None


@pytest.fixture
def soundkin() -> Callable[..., Ran]:
    """Run a command as the shell would."""

    def run(*arguments: object) -> Ran:
        result = CliRunner().invoke(commands, [str(argument) for argument in arguments])
        return Ran(result.exit_code, result.stdout, click.unstyle(result.stderr), result.exception)

    return run


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(6):
        (folder / f"song {number}.mp3").write_bytes(f"audio {number}".encode() * 1000)
    return folder
