from pathlib import Path

import pytest

from app.cli.folder import find_files


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for name in (
        "a.mp3",
        "B.FLAC",
        "notes.txt",
        "noext",
        ".hidden.mp3",
        "deep/c.ogg",
        ".git/d.ogg",
        "deep/cover.jpg",
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"x")
    return tmp_path


def test_a_folder_is_looked_through_to_the_bottom_without_hidden_files(music):
    assert find_files([music], every=False).files == (music / "B.FLAC", music / "a.mp3", music / "deep/c.ogg")


def test_what_does_not_look_like_audio_is_left_out_and_counted(music):
    assert find_files([music], every=False).skipped == 3


def test_with_all_every_name_is_taken_except_hidden_ones(music):
    found = find_files([music], every=True)
    assert {file.name for file in found.files} == {"a.mp3", "B.FLAC", "notes.txt", "noext", "c.ogg", "cover.jpg"}
    assert found.skipped == 0


def test_a_file_that_is_named_is_taken_whatever_it_is_called(music):
    assert find_files([music / "notes.txt", music / ".hidden.mp3"], every=False).files == (
        music / "notes.txt",
        music / ".hidden.mp3",
    )


def test_a_file_that_is_named_twice_is_taken_once(music):
    assert find_files([music / "deep", music / "deep/c.ogg"], every=False).files == (music / "deep/c.ogg",)
