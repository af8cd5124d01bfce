"""The commands against a real service with its worker. The tests of this file run in order on one service."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest
import typer

from app.__main__ import main
from app.client import Client

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


@pytest.fixture
def soundkin(service, tmp_path, monkeypatch, capsys):
    """Run a command as ``python -m app`` does, without the cost of a new process."""
    monkeypatch.setattr(typer, "get_app_dir", lambda name: str(tmp_path / name))
    monkeypatch.setenv("SOUNDKIN_URL", service.url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["soundkin", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        told = ended.value.code if isinstance(ended.value.code, str) else ""
        return Ran(1 if told else int(ended.value.code or 0), said.out, said.err + told)

    return run


def test_a_folder_is_ingested_and_a_second_run_sends_nothing(service, music, tmp_path):
    bad = tmp_path / "bad.mp3"
    bad.write_text("no audio")
    environment = os.environ | {"SOUNDKIN_URL": service.url, "COLUMNS": "200", "XDG_CONFIG_HOME": str(tmp_path)}

    def ingest(*files):
        command = [sys.executable, "-m", "app", "ingest", *map(str, files)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    first = ingest(music, bad)
    assert first.returncode == 1
    assert "12 added, 1 failed" in first.stderr
    assert f"failed {bad}: " in first.stderr
    second = ingest(music)
    assert second.returncode == 0
    assert "12 already there" in second.stderr


def test_an_excerpt_finds_its_track_and_the_table_shows_each_dimension(soundkin, excerpt):
    ran = soundkin("search", excerpt, "-k", 3, "-w", "timbre=1", "-w", "rhythm=0.5")
    assert ran.status == 0
    head, first, *_ = ran.out.splitlines()
    assert " ".join(head.split()) == "# title artist similarity percentile timbre rhythm part length tempo key"
    assert first.split()[:5] == ["1", "slow", "harp", "The", "Oscillators"]
    assert first.split()[-4:-2] == ["0:12", "72"]


@pytest.fixture
def track_id(service):
    """Id of a track of the catalogue."""
    with Client(service.url) as client:
        return client.get("/v1/tracks", {"limit": 1})["items"][0]["id"]


def test_a_track_is_searched_by_its_id_and_answered_as_json(soundkin, track_id):
    ran = soundkin("search", track_id, "--json", "-k", 5, "--segment", "2:9", "--max-similarity", 0.99)
    ids = [match["track"]["id"] for match in json.loads(ran.out)["matches"]]
    assert len(ids) == 5
    assert track_id not in ids


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-w", "colour=1"], "colour"),
        (["-w", "timbre=0"], "weight"),
        (["--segment", "300:400"], "outside"),
        (["--encoder", "nonesuch"], "nonesuch"),
        (["-w", "timbre=nan"], "SPACE=NUMBER"),
        (["-w", "timbre"], "SPACE=NUMBER"),
        (["--segment", "half"], "START:END"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_printed(soundkin, track_id, arguments, said):
    ran = soundkin("search", track_id, *arguments)
    assert ran.status != 0
    assert said in ran.err
    assert ran.out == ""


def test_what_is_neither_a_file_nor_a_track_is_named(soundkin):
    assert "no-such-track" in soundkin("search", "no-such-track").err
