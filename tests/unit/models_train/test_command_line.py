"""Training and embedding as a user runs them, on a small collection of made-up tunes."""

import json
import re

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from models.__main__ import app
from models.registry import load_encoder
from models.train import extract

RATE = 22_050
TUNES = 24


def tune(number, seconds=11.0):
    """A made-up tune: its own scale, tempo and noise."""
    generator = np.random.default_rng(number)
    time = np.arange(int(seconds * RATE)) / RATE
    beat = 60 / generator.uniform(70, 180)
    notes = 220 * 2 ** (generator.integers(0, 24, 64) / 12)
    pitch = notes[(time / beat).astype(int) % 64]
    decay = np.exp(-generator.uniform(1, 8) * (time % beat))
    sound = 0.3 * decay * np.sin(2 * np.pi * np.cumsum(pitch) / RATE)
    return sound + generator.normal(scale=generator.uniform(0.001, 0.03), size=len(time))


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collection")
    for number in range(TUNES):
        soundfile.write(folder / f"tune {number}.wav", tune(number), RATE)
    (folder / "broken.mp3").write_text("not a song")
    soundfile.write(folder / "silent.wav", np.zeros(RATE * 5), RATE)
    return folder


@pytest.fixture
def run():
    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="module")
def trained(collection, tmp_path_factory):
    out = tmp_path_factory.mktemp("artifacts") / "librosa"
    arguments = ["train", "librosa", "--audio", str(collection), "--out", str(out), "--data", "made-up tunes"]
    result = CliRunner().invoke(app, [*arguments, "--jobs", "1"])
    return out, result


def arrays(path):
    with np.load(path) as file:
        return dict(file)


def digest(result):
    return re.search(r"digest\s+(\w+)", result.output)[1]


def test_training_leaves_out_what_cannot_be_used_and_says_why(trained):
    out, result = trained
    assert result.exit_code == 0, result.output
    assert "broken.mp3: This is not an audio file" in " ".join(result.output.split())
    assert "silent.wav: The file is silent" in " ".join(result.output.split())
    training = json.loads((out / "manifest.json").read_text())["training"]
    assert (training["tracks"], training["refused"], training["data"]) == (TUNES, 2, "made-up tunes")


def test_training_again_takes_the_cached_statistics_and_gives_the_same_artifact(trained, collection, run, tmp_path):
    out, result = trained
    cache = out.with_name("librosa.cache")
    assert len(list(cache.iterdir())) == TUNES
    listing = tmp_path / "list.txt"
    listing.write_text("\n".join(path.name for path in sorted(collection.iterdir(), reverse=True)) + "\n")
    options = ("--audio", collection, "--list", listing, "--cache", cache, "--data", "made-up tunes")
    again = run("train", "librosa", *options, "--out", tmp_path / "librosa", "--jobs", 1)
    assert digest(again) == digest(result)


def test_a_split_of_a_table_is_trained_on_alone(trained, collection, run, tmp_path):
    names = sorted(path.name for path in collection.glob("tune*"))
    table = "path,split\n" + "".join(f"{name},{'test' if name == 'tune 3.wav' else 'train'}\n" for name in names)
    (tmp_path / "table.csv").write_text(table)
    options = (
        "--list",
        tmp_path / "table.csv",
        "--split",
        "train",
        "--cache",
        trained[0].with_name("librosa.cache"),
    )
    run("train", "librosa", "--audio", collection, *options, "--out", tmp_path / "librosa", "--jobs", 1)
    assert json.loads((tmp_path / "librosa" / "manifest.json").read_text())["training"]["tracks"] == TUNES - 1


def test_too_few_tracks_are_refused(collection, run, tmp_path):
    (tmp_path / "list.txt").write_text("tune 1.wav\nmissing.wav\n")
    options = ("--audio", collection, "--list", tmp_path / "list.txt", "--out", tmp_path / "librosa", "--jobs", 1)
    result = run("train", "librosa", *options)
    assert result.exit_code == 1
    assert "1 of 2 files can be used" in " ".join(result.output.split())
    assert not (tmp_path / "librosa").exists()


def test_embedding_writes_one_array_per_space_in_the_order_of_the_files(trained, collection, run, tmp_path):
    files = [collection / f"tune {number}.wav" for number in (5, 2, 9)]
    options = ("--artifacts", trained[0].parent, "--device", "cpu", "--out", tmp_path / "out.npz")
    result = run("embed", "--encoder", "librosa", *options, *files)
    assert result.exit_code == 0, result.output
    written = arrays(tmp_path / "out.npz")
    assert written["files"].tolist() == [str(path) for path in files]
    spaces = load_encoder("librosa", "cpu", [trained[0].parent]).manifest.spaces
    assert written.keys() == {"files", *(space.name for space in spaces)}
    for space in spaces:
        assert written[space.name].dtype == np.float32
        assert written[space.name].shape == (3, space.dimension)
        assert np.linalg.norm(written[space.name], axis=1) == pytest.approx(np.ones(3), abs=1e-5)


def test_refused_files_are_named_and_the_others_are_written(collection, run, tmp_path):
    files = [collection / "tune 1.wav", collection / "broken.mp3", collection / "missing.wav"]
    result = run("embed", "--encoder", "librosa", "--device", "cpu", "--out", tmp_path / "out.npz", *files)
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "broken.mp3: This is not an audio file" in said
    assert "missing.wav: [Errno 2]" in said
    assert arrays(tmp_path / "out.npz")["files"].tolist() == [str(files[0])]


def test_when_all_files_are_refused_the_arrays_are_empty(collection, run, tmp_path):
    out = tmp_path / "out.npz"
    assert run("embed", "--encoder", "librosa", "--out", out, collection / "broken.mp3").exit_code == 1
    assert arrays(out)["timbre"].shape[0] == 0


def test_an_unknown_encoder_or_device_ends_with_status_2(collection, run, tmp_path):
    file = collection / "tune 1.wav"
    assert run("embed", "--encoder", "nothing", "--out", tmp_path / "out.npz", file).exit_code == 2
    assert (
        run("embed", "--encoder", "librosa", "--device", "gpu", "--out", tmp_path / "out.npz", file).exit_code == 2
    )
    assert not (tmp_path / "out.npz").exists()


@pytest.mark.slow  # each process loads torch
def test_processes_find_the_same_as_one_does(trained, collection, tmp_path):
    files = sorted(collection.iterdir())
    found = list(extract(files, tmp_path, jobs=2))
    assert [file.path for file in found] == files
    cache = trained[0].with_name("librosa.cache")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in cache.iterdir())
    for path in tmp_path.iterdir():
        np.testing.assert_allclose(np.load(path), np.load(cache / path.name), rtol=1e-3, atol=1e-3)


def test_training_never_replaces_a_folder_that_holds_something_else(run, collection, tmp_path):
    diary = tmp_path / "diary.txt"
    diary.write_text("mine")
    result = run("train", "librosa", "--audio", collection, "--out", tmp_path)
    assert result.exit_code == 2
    assert "'diary.txt'" in result.output
    assert "statistics" not in result.output
    assert diary.read_text() == "mine"


def test_a_place_that_cannot_be_written_is_told_before_training(run, collection, tmp_path):
    (tmp_path / "file").touch()
    result = run("train", "librosa", "--audio", collection, "--out", tmp_path / "file" / "librosa")
    assert result.exit_code == 2
    assert "No artifact can be written" in result.output


@pytest.mark.parametrize("out", ["file/x.npz", "folder"])
def test_a_place_that_cannot_be_written_is_told_before_embedding(run, collection, tmp_path, out):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    result = run("embed", "--encoder", "librosa", "--out", tmp_path / out, collection / "tune 1.wav")
    assert result.exit_code == 2
    assert "--out" in result.output
    assert "tracks" not in result.output
