import os
from pathlib import Path

import pytest

from app.cli.ledger import Ledger


@pytest.fixture
def song(tmp_path: Path) -> Path:
    file = tmp_path / "song.wav"
    file.write_bytes(b"RIFF")
    return file


def test_an_upload_is_remembered_by_the_next_run(tmp_path, song):
    Ledger(tmp_path / "l").note(song, "track-1")
    assert Ledger(tmp_path / "l").track_of(song) == "track-1"


def test_a_file_that_changed_is_not_recognised(tmp_path, song):
    ledger = Ledger(tmp_path / "l")
    ledger.note(song, "track-1")
    os.utime(song, (1, 1))
    assert ledger.track_of(song) is None


def test_the_same_name_in_another_folder_is_another_file(tmp_path, song):
    ledger = Ledger(tmp_path / "l")
    ledger.note(song, "track-1")
    other = tmp_path / "other" / "song.wav"
    other.parent.mkdir()
    other.write_bytes(b"RIFF")
    assert ledger.track_of(other) is None


@pytest.mark.parametrize("rest", ['{"file": "half', "null\n", "[]\n", '{"file": "no track"}\n'])
def test_a_damaged_line_costs_that_line_only(tmp_path, song, rest):
    Ledger(tmp_path / "l").note(song, "track-1")
    with (tmp_path / "l").open("a") as lines:
        lines.write(rest)
    assert Ledger(tmp_path / "l").track_of(song) == "track-1"


def test_an_upload_after_half_a_line_is_remembered_too(tmp_path, song):
    (tmp_path / "l").write_text('{"file": "half')
    Ledger(tmp_path / "l").note(song, "track-1")
    assert Ledger(tmp_path / "l").track_of(song) == "track-1"
