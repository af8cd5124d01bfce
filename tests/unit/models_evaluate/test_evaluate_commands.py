"""Evaluation as a user runs it, on a small folder of made-up tunes."""

import json
import re

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from models.__main__ import app

RATE = 22_050
ALBUMS = ("low", "middle", "high")
TUNES = 8


def tune(album, number, seconds=12.0):
    """Albums differ in register and colour, tunes of one album in their melody."""
    drawn = np.random.default_rng([ALBUMS.index(album), number])
    time_s = np.arange(round(seconds * RATE)) / RATE
    notes = 110 * 2.0 ** ALBUMS.index(album) * 2 ** (drawn.integers(0, 12, 32) / 12)
    phase = 2 * np.pi * np.cumsum(notes[(time_s / 0.4).astype(int) % 32]) / RATE
    tone = sum(np.sin(partial * phase) / partial for partial in range(1, 2 + 3 * ALBUMS.index(album)))
    return 0.2 * tone * np.exp(-3 * (time_s % 0.4)) + drawn.normal(scale=0.001, size=len(time_s))


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    for album in ALBUMS:
        (folder / album).mkdir()
        for number in range(TUNES):
            soundfile.write(folder / album / f"{number}.wav", tune(album, number), RATE)
    return folder


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")

    def run(*arguments, out):
        given = ["evaluate", *map(str, arguments), "--cache", str(cache), "--out", str(out), "--replicates", "50"]
        return CliRunner().invoke(app, given)

    return run


def text_of(result):
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", result.output).split())


def test_a_folder_of_music_is_evaluated_by_one_command(music, evaluate, tmp_path):
    result = evaluate("retrieval", music, "--split", "all", out=tmp_path)
    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "retrieval.json").read_text())
    found = {row["system"]: row["figures"] for row in report["rows"] if row["space"] == "complete"}
    assert found["librosa"]["P@1"]["value"] > 0.9
    assert found["librosa"]["P@1"]["value"] > found["random"]["P@1"]["high"]
    assert {"file-facts", "clip-facts", "worst"} <= set(found)
    assert report["facts"]["command"].startswith("python -m models")
    assert (tmp_path / "retrieval-album.png").stat().st_size > 0


def test_systems_are_compared_side_by_side(music, evaluate, tmp_path):
    result = evaluate("compare", "librosa", "g1", "--on", music, "--split", "all", "--by", "album", out=tmp_path)
    assert result.exit_code == 0, result.output
    compared = json.loads((tmp_path / "compare.json").read_text())
    assert {tuple(one["systems"]) for one in compared["differences"]} == {("librosa", "g1")}
    assert "| librosa | g1 |" in (tmp_path / "compare.md").read_text()


def test_all_asks_what_can_be_answered_and_names_the_rest(music, evaluate, tmp_path):
    result = evaluate("all", music, "--split", "all", "--most-queries", 2, "--by", "album", out=tmp_path)
    assert result.exit_code == 0, result.output
    assert {"retrieval.md", "ranking.md", "triplets.md", "leakage.md", "robustness.md"} <= {
        path.name for path in tmp_path.iterdir()
    }
    assert "estimators was not asked: No track" in text_of(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--system", "nobody"), "No system is called 'nobody'"),
        (("--split", "tset"), "There is no split 'tset'; there are train, validation, test and all"),
        (("--view", "loud"), "There is no view 'loud'; there are canonical, original"),
        (("--by", "gnere"), "gnere: 0 of 24 tracks are labelled"),
    ],
)
def test_what_is_misspelt_is_named_with_what_there_is(music, evaluate, tmp_path, arguments, message):
    result = evaluate("retrieval", music, *arguments, out=tmp_path)
    assert result.exit_code == 2
    assert message in text_of(result)


def test_every_fault_of_a_manifest_is_named(music, evaluate, tmp_path):
    manifest = music / "faulty.csv"
    manifest.write_text(
        "path,genre,key,split\n"
        "low/0.wav,rock,H minor,train\n"
        "low/9.wav,rock,A minor,tset\n"
        "low/1.wav,rcok,A minor,test\n"
        + "".join(f"{album}/{number}.wav,rock,,train\n" for album in ALBUMS[1:] for number in range(TUNES))
    )
    result = evaluate("retrieval", manifest, out=tmp_path)
    manifest.unlink()
    assert result.exit_code == 2
    for fault in ("H minor", "low/9.wav", "tset", "rcok"):
        assert fault in text_of(result)


def test_a_question_without_labels_is_refused_with_what_there_is(music, evaluate, tmp_path):
    result = evaluate("estimators", music, out=tmp_path)
    assert result.exit_code == 2
    assert "has a tempo_bpm or a key" in text_of(result)


def test_one_system_cannot_be_compared(music, evaluate, tmp_path):
    result = evaluate("compare", "librosa", "--on", music, out=tmp_path)
    assert result.exit_code == 2
    assert "at least two different systems" in text_of(result)
