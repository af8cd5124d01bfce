"""The commands as people type them, against a real service with its worker."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def soundkin(service, tmp_path):
    """Run ``python -m app`` in a process of its own."""
    environment = os.environ | {"SOUNDKIN_URL": service.url, "COLUMNS": "200", "XDG_CONFIG_HOME": str(tmp_path)}

    def run(*arguments):
        command = [sys.executable, "-m", "app", *map(str, arguments)]
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )

    return run


def test_a_folder_is_ingested_and_a_second_run_sends_nothing(soundkin, music, tmp_path):
    bad = tmp_path / "bad.mp3"
    bad.write_text("no audio")
    first = soundkin("ingest", music, bad, "--licence", "CC0")
    assert first.returncode == 1
    assert "12 added, 1 failed" in first.stderr
    assert f"failed {bad}: " in first.stderr
    second = soundkin("ingest", music)
    assert second.returncode == 0
    assert "12 already there" in second.stderr


def test_an_excerpt_finds_its_track_and_the_table_shows_each_dimension(soundkin, excerpt):
    ran = soundkin("search", excerpt, "-k", 3, "-w", "timbre=1", "-w", "rhythm=0.5")
    assert ran.returncode == 0, ran.stderr
    head, first, *_ = ran.stdout.splitlines()
    assert " ".join(head.split()) == "# title artist similarity percentile timbre rhythm length tempo key"
    assert first.startswith("1  slow harp.")


def test_a_track_is_searched_by_its_id_and_answered_as_json(soundkin, excerpt):
    found = json.loads(soundkin("search", excerpt, "--json", "-k", 1).stdout)["matches"][0]
    ran = soundkin("search", found["track"]["id"], "--json", "-k", 5, "--segment", "2:9", "--max-similarity", 0.99)
    ids = [match["track"]["id"] for match in json.loads(ran.stdout)["matches"]]
    assert len(ids) == 5
    assert found["track"]["id"] not in ids


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-track"], "no-such-track"),
        (["EXCERPT", "-w", "colour=1"], "colour"),
        (["EXCERPT", "-w", "timbre=0"], "weight"),
        (["EXCERPT", "--segment", "300:400"], "outside"),
        (["EXCERPT", "--encoder", "nonesuch"], "nonesuch"),
        (["EXCERPT", "-w", "timbre=nan"], "SPACE=NUMBER"),
        (["EXCERPT", "-w", "timbre"], "SPACE=NUMBER"),
        (["EXCERPT", "--segment", "half"], "START:END"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_printed(soundkin, excerpt, arguments, said):
    ran = soundkin("search", *(excerpt if argument == "EXCERPT" else argument for argument in arguments))
    assert ran.returncode != 0
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
