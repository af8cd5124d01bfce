"""The command line as people run it: one clear line for every failure."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta

import httpx
import numpy as np
import pytest

from app.__main__ import main
from app.adapters.sql_database import SqlDatabase
from app.domain import (
    DEFAULT_LIBRARY,
    Embedding,
    EncoderInfo,
    Metadata,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    new_id,
    utc_now,
)


@dataclass
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def soundkin(tmp_path, monkeypatch, capsys):
    """Run a command in this process, with a data directory of its own."""
    monkeypatch.setenv("SOUNDKIN_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SOUNDKIN_EMBEDDED_WORKER", "false")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments, **variables):
        with monkeypatch.context() as changed:
            changed.setattr(sys, "argv", ["soundkin", *arguments])
            for name, value in variables.items():
                changed.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        printed = capsys.readouterr()
        if isinstance(ended.value.code, str):  # what the interpreter does with it
            return Done(1, printed.out, printed.err + ended.value.code)
        return Done(ended.value.code or 0, printed.out, printed.err)

    handlers = logging.getLogger().handlers
    yield run
    logging.getLogger().handlers = handlers


def fails(done, says):
    assert done.status not in {0, 2}, done.stdout
    assert says in done.stderr, done.stderr
    return True


def test_keys_are_made_listed_and_revoked(soundkin):
    made = soundkin("keys", "create", "robot", "--scope", "write")
    assert made.stdout.startswith("sk_")
    assert made.stdout.strip() not in made.stderr
    row = next(line for line in soundkin("keys", "list").stdout.splitlines() if "robot" in line)
    key = row.split()[1] if row.split()[0] in "│┃|" else row.split()[0]
    assert soundkin("keys", "revoke", key).status == 0
    assert fails(soundkin("keys", "revoke", key), key)
    assert fails(soundkin("keys", "create", "x", "--library", "nowhere"), "no library 'nowhere'")


def test_a_key_may_end_and_is_listed_with_its_end(soundkin):
    made = soundkin("keys", "create", "guest", "--expires", "30d")
    assert made.stdout.startswith("sk_")
    day = f"{utc_now() + timedelta(days=30):%Y-%m-%d}"
    assert f"until {day}" in made.stderr
    assert soundkin("keys", "create", "clock", "--expires", "2999-12-31T23:30:00+01:00").status == 0
    assert soundkin("keys", "create", "owner").status == 0
    listed = {row.split()[3]: row for row in soundkin("keys", "list").stdout.splitlines() if "read" in row}
    assert day in listed["guest"]
    assert "2999-12-31 22:30 UTC" in listed["clock"]
    assert "never" in listed["owner"]
    assert fails(
        soundkin("keys", "create", "late", "--expires", "2020-01-01"), "2020-01-01 00:00 UTC is over already"
    )
    for nonsense in ("soon", "30", "-1d", "99999999999d", "2026-13-01"):
        assert fails(soundkin("keys", "create", "x", f"--expires={nonsense}"), "expected 12h, 30d, 8w")


def test_libraries_are_added_once(soundkin):
    assert soundkin("library", "add", "label").status == 0
    assert fails(soundkin("library", "add", "label"), "'label' already")
    assert "label" in soundkin("library", "list").stdout


def test_encoders_are_listed_and_the_newest_of_a_name_is_promoted(soundkin, tmp_path):
    assert "share" in soundkin("encoders", "list").stdout
    assert fails(soundkin("encoders", "promote", "librosa"), "none: no worker has announced one yet")
    database = SqlDatabase(f"sqlite:///{tmp_path / 'data' / 'soundkin.sqlite3'}")
    with database.transaction() as tx:
        spaces = (Space("mood", 2),)
        first = tx.catalogue.announce_encoder(EncoderInfo(new_id(), "ears", "1", "a" * 64, spaces))
        tx.catalogue.announce_encoder(EncoderInfo(new_id(), "ears", "2", "b" * 64, spaces))
        tx.catalogue.announce_encoder(EncoderInfo(new_id(), "eyes", "1", "c" * 64, spaces))
        audio = StoredAudio(None, "d" * 64, 1, "audio/wav", "a.wav")
        track = tx.catalogue.add_track(Track(new_id(), DEFAULT_LIBRARY, TrackKind.TRACK, Metadata(), audio))
        vectors = np.array([[0.6, 0.8]], np.float32)
        spans_s = np.array([[0, 1]], np.float32)
        tx.catalogue.save_embedding(track.id, Embedding(first.id, vectors[0], spans_s, vectors))
    database.close()
    rows = [line.replace("│", " ").split() for line in soundkin("encoders", "list").stdout.splitlines()]
    assert ["ears", "1", "ready", "yes", "1", "100.0%", "0", first.id] in rows
    assert fails(soundkin("encoders", "promote", "ears"), "lacks vectors of 1 of the 1 tracks")
    assert fails(soundkin("encoders", "promote", "eyes", "--default"), "lacks vectors of 1 of the 1 tracks")
    assert fails(soundkin("encoders", "promote", "nose"), "there are: ears, eyes")
    promoted = soundkin("encoders", "promote", "ears", "--force").stdout
    assert promoted == "ears (version 2) answers searches that name no encoder.\n"
    assert soundkin("encoders", "promote", "eyes").stdout == "eyes (version 1) answers searches that name it.\n"
    assert soundkin("encoders", "promote", first.id).stdout.startswith(
        "ears (version 1) answers searches that name no"
    )
    assert "'ears' answers searches, but is not configured" in soundkin("doctor").stdout


def test_the_tables_go_up_and_down(soundkin):
    assert soundkin("db", "revision").stdout.strip() == "none"
    assert soundkin("db", "migrate").status == 0
    assert soundkin("db", "revision").stdout.strip() != "none"
    assert soundkin("db", "downgrade", "base", "--yes").status == 0
    assert soundkin("db", "revision").stdout.strip() == "none"


def test_a_public_address_without_a_key_is_refused(soundkin):
    assert fails(soundkin("serve", "--host", "0.0.0.0"), "soundkin keys create")


def test_settings_that_are_not_valid_are_named(soundkin):
    assert fails(soundkin("serve", SOUNDKIN_PORT="many"), "SOUNDKIN_PORT")
    assert fails(soundkin("keys", "list", SOUNDKIN_DATABASE_URL="mysql://x"), "mysql")


def test_a_port_that_is_taken_is_told(soundkin):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert fails(soundkin("serve", "--port", str(taken.getsockname()[1])), "cannot listen on 127.0.0.1")


def test_a_data_directory_that_cannot_be_written_is_told(soundkin, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert fails(soundkin("serve", SOUNDKIN_DATA_DIR=str(tmp_path / "file" / "data")), str(tmp_path / "file"))


def test_the_doctor_finds_what_is_wrong_and_says_how_to_mend_it(soundkin):
    well = soundkin("doctor", "--mend")
    assert well.status == 0, well.stdout + well.stderr
    assert "OK   database: answers" in well.stdout
    assert "OK   decoder: decodes" in well.stdout
    assert "WARN workers: no worker is alive" in well.stdout
    assert "→ Start one: python -m workers" in well.stdout
    assert "OK   mend: 0 tracks were queued again" in well.stdout
    ill = soundkin("doctor", SOUNDKIN_DATABASE_URL="postgresql://nobody@127.0.0.1:1/nothing")
    assert ill.status == 1
    assert "FAIL database" in ill.stdout
    wrong = soundkin("doctor", SOUNDKIN_PORT="many")
    assert (wrong.status, "FAIL configuration: The settings are not valid: SOUNDKIN_PORT" in wrong.stdout) == (
        1,
        True,
    )


def test_the_service_starts_answers_and_ends_quietly(soundkin):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        url = f"http://127.0.0.1:{port}"
        ready(url)
        assert "The indexes hold" in soundkin("index", "check", SOUNDKIN_PORT=str(port)).stdout
        with httpx.stream("GET", f"{url}/v1/events", trust_env=False) as events:
            lines = events.iter_lines()
            next(lines)
            process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            assert list(lines)[-1] == ""
        assert process.wait(10) in {0, -signal.SIGTERM}
        assert time.monotonic() - started < 5
        assert "Traceback" not in process.stderr.read()


def ready(url, within_s=20):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    pytest.fail("the service did not get ready")


@pytest.mark.postgres
def test_a_database_without_tables_is_told_with_the_remedy(soundkin, empty_postgres_url):
    assert fails(soundkin("serve", SOUNDKIN_DATABASE_URL=empty_postgres_url), "soundkin db migrate")


def test_a_service_whose_database_is_away_starts_and_waits(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app", "serve", "--no-worker", "--port", str(port)]
    away = {
        **os.environ,
        "SOUNDKIN_DATA_DIR": str(tmp_path),
        "SOUNDKIN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    }
    with subprocess.Popen(command, env=away, stderr=subprocess.PIPE, text=True) as process:
        try:
            answer = first_answer(f"http://127.0.0.1:{port}/readyz")
        finally:
            process.terminate()
        assert answer.status_code == 503
        database = next(found for found in answer.json()["findings"] if found["name"] == "database")
        assert database["verdict"] == "fail"
        assert "Traceback" not in process.stderr.read()


def first_answer(url, within_s=20):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            return httpx.get(url, trust_env=False, timeout=15)
        except httpx.ConnectError:
            time.sleep(0.1)
    pytest.fail("the service did not start")
