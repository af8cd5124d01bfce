"""``soundkin briefs`` against a running service."""

import csv
import io
import json

import click
import pytest
from typer.testing import CliRunner

from app.cli import commands
from app.errors import Conflict, NotFound


@pytest.fixture
def soundkin(service, monkeypatch):
    """Run a command as the shell would; an error of ours is raised."""
    monkeypatch.setenv("SOUNDKIN_URL", service.url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments):
        done = CliRunner().invoke(commands, ["briefs", *map(str, arguments)])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.stdout, click.unstyle(done.stderr)

    return run


@pytest.fixture
def shelf(service, worker):
    """A reference and three tracks, of which one lacks the licence."""
    ids = {}
    for title, licence in {"reference": "CC0", "one": "CC0", "two": "CC0", "three": "ask us"}.items():
        sent = json.dumps({"title": title, "licence": licence})
        ids[title] = service.upload(b"RIFF" + title.encode(), metadata=sent).json()["track"]["id"]
        worker.work()
    service.indexed()
    return ids


def make(service, reference, name="Rain", licence="CC0"):
    request = {"reference": {"track": reference}, "constraints": {"licences": [licence]}}
    answer = service.http.post("/v1/briefs", json={"name": name, "request": request})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def decide(service, brief, track, **decision):
    answer = service.http.put(f"/v1/briefs/{brief}/decisions/{track}", json=decision)
    assert answer.status_code == 200, answer.text


def test_who_has_no_briefs_is_told_how_to_make_one(soundkin):
    assert "no briefs yet" in soundkin("list")[1]


def test_briefs_are_listed_with_what_has_come_of_them(service, soundkin, shelf):
    brief = make(service, shelf["reference"], name="Rain [bold]on\nroofs")
    decide(service, brief, shelf["one"], verdict="shortlisted")
    status, out, _ = soundkin("list")
    [row] = [line for line in out.splitlines() if brief in line]
    assert status == 0
    assert "Rain [bold]on roofs" in row
    assert "never" in row
    soundkin("run", brief)
    assert "never" not in soundkin("list")[1]


def test_a_run_shows_matches_what_is_new_and_near_misses_with_what_they_break(service, worker, soundkin, shelf):
    brief = make(service, shelf["reference"])
    decide(service, brief, shelf["one"], verdict="shortlisted")
    soundkin("run", "Rain")
    service.upload(b"RIFFfour", metadata='{"title": "four", "licence": "CC0"}')
    worker.work()
    service.indexed()
    status, out, _ = soundkin("run", brief)
    matches, near_misses = out.split("Near misses")
    assert status == 0
    rows = {line.split()[1]: line for line in matches.splitlines()[1:4]}
    assert set(rows) == {"one", "two", "four"}
    assert " new " in rows["four"]
    assert "shortlisted" in rows["one"]
    assert "1 new; 4 of 5 tracks compared." in matches
    assert "licences: ask us" in near_misses
    assert "three" in near_misses


def test_rejected_tracks_are_shown_where_asked_for(service, soundkin, shelf):
    brief = make(service, shelf["reference"])
    decide(service, brief, shelf["two"], verdict="rejected", reason="Too bright")
    assert "two" not in soundkin("run", brief)[1]
    assert "rejected" in soundkin("run", brief, "--rejected")[1]


def test_a_run_can_be_read_by_a_program(service, soundkin, shelf):
    make(service, shelf["reference"])
    answer = json.loads(soundkin("run", "Rain", "--json")[1])
    assert {match["track"]["metadata"]["title"] for match in answer["matches"]} == {"one", "two"}


def test_a_brief_that_nothing_answers_says_why_and_is_a_gap(service, soundkin, shelf):
    make(service, shelf["reference"], licence="CC-BY-4.0")
    said = soundkin("run", "Rain")[1]
    assert "licences: CC-BY-4.0" in said
    gaps = soundkin("gaps")[1]
    assert "Rain" in gaps
    assert "CC-BY-4.0" in gaps


def test_where_all_is_answered_nothing_is_lacking(soundkin):
    assert "Every brief has a good answer." in soundkin("gaps")[1]


def test_what_a_brief_finds_goes_into_a_file_or_to_the_output(service, soundkin, shelf, tmp_path):
    brief = make(service, shelf["reference"])
    decide(service, brief, shelf["one"], verdict="shortlisted")
    file = tmp_path / "rain.csv"
    assert soundkin("export", "Rain", "--out", file)[0] == 0
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    assert {row["title"] for row in rows} == {"one", "two"}
    status, out, _ = soundkin("export", brief, "--format", "m3u", "--shortlist")
    assert status == 0
    assert out.splitlines()[0] == "#EXTM3U"
    assert out.count("#EXTINF") == 1


def test_a_file_that_cannot_be_written_is_named(service, soundkin, shelf, tmp_path):
    make(service, shelf["reference"])
    status, _, err = soundkin("export", "Rain", "--out", tmp_path)
    assert status == 2
    assert "cannot be written" in err


def test_a_name_that_is_unknown_or_of_several_is_refused_with_those_there_are(service, soundkin, shelf):
    with pytest.raises(NotFound, match="there are none yet"):
        soundkin("run", "Rain")
    briefs = [make(service, shelf["reference"]) for _ in range(2)]
    with pytest.raises(NotFound, match=briefs[0]):
        soundkin("run", "Snow")
    with pytest.raises(Conflict, match=briefs[1]):
        soundkin("run", "Rain")
    assert soundkin("run", briefs[0])[0] == 0
