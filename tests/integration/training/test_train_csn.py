"""``train csn`` as people run it: in a process of its own, killed, interrupted, and run again to its end."""

import csv
import signal
from dataclasses import dataclass

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from models.__main__ import app
from models.encoder import embed
from models.evaluate.systems.lookup import make_system
from models.registry import load_encoder

RATE = 22_050
TRACKS = 30
EPOCHS = 12
CONFIG = f"""
epochs = {EPOCHS}
min_tracks_per_tag = 3
validation_segments = 1

[network]
width = 0.05
branch_blocks = 1
joint_blocks = 1
columns = 32
context_frames = 64
space_dimension = 4

[objective]
triplet = 1
tags = 1

[optimiser]
warm_up = 0
learning_rate = 0.01

[batch]
tracks = 4
per_epoch = 1
"""


def tune(number, tempo_bpm, tonic):
    """A pulse at a tempo on one note, with overtones that differ from tune to tune."""
    time_s = np.arange(int(3.5 * RATE)) / RATE
    pulse = np.exp(-6 * (time_s % (60 / tempo_bpm)))
    hertz = 261.6 * 2 ** (tonic / 12)
    overtones = (np.sin(2 * np.pi * hertz * part * time_s) / part ** (1 + number % 3) for part in range(1, 6))
    return 0.2 * pulse * sum(overtones) + np.random.default_rng(number).normal(scale=0.002, size=len(time_s))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A folder with tunes and a manifest that says all of them."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for number in range(TRACKS):
        tempo_bpm, tonic = (80, 95, 115)[number % 3], (0, 4)[number // 3 % 2]
        soundfile.write(folder / f"{number}.wav", tune(number, tempo_bpm, tonic), RATE)
        rows.append(
            {
                "path": f"{number}.wav",
                "source": f"source {number}",
                "split": "validation" if number % 4 == 3 else "train",
                "genre": ("jazz", "rock")[number % 2],
                "mood": ("calm", "dark")[number // 2 % 2],
                "instrument": ("guitar", "piano")[number // 4 % 2],
                "era": ("1980s", "1990s")[number // 8 % 2],
                "tempo_bpm": tempo_bpm,
                "key": ("C major", "E minor")[number // 3 % 2],
            }
        )
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "tiny.toml").write_text(CONFIG)
    return folder


@dataclass
class Story:
    """What happened to a run, one process after the other, with what each said."""

    corpus: object
    out: object
    killed: str = ""
    interrupted: str = ""
    interrupted_status: int = 0
    epochs_when_interrupted: int = 0
    finished: str = ""
    finished_status: int = -1


def epochs_logged(out):
    with (out / "log.csv").open(newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def csn(program):
    return program("csn")


@pytest.fixture(scope="module")
def story(corpus, csn, tmp_path_factory):
    """A run that is killed after its first checkpoint, interrupted after its next one, and then left alone."""
    out = tmp_path_factory.mktemp("runs") / "run"
    told = Story(corpus, out)
    # A shell that starts the tests in the background makes them, and all they start, deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        told.killed = csn.killed(corpus, out)
        with csn.started(corpus, out) as process:
            lines = []
            for line in process.stderr:
                lines.append(line)
                if line.startswith("epoch "):
                    process.send_signal(signal.SIGINT)
                    break
            told.interrupted = "".join(lines) + process.stderr.read()
            told.interrupted_status = process.wait(60)
        told.epochs_when_interrupted = epochs_logged(out)[-1]
        with csn.started(corpus, out) as process:
            told.finished = process.stderr.read()
            told.finished_status = process.wait(60)
    finally:
        signal.signal(signal.SIGINT, before)
    return told


pytestmark = pytest.mark.slow  # three processes, each of which loads torch


def test_after_a_kill_the_same_command_goes_on(story):
    assert f"made: {TRACKS - 7} tracks to learn from, 7 to judge by" in story.killed
    assert "going on after epoch" not in story.killed
    assert "going on after epoch" in story.interrupted
    assert "Traceback" not in story.interrupted + story.finished


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(story):
    assert story.interrupted_status == 130
    assert "interrupted: the same command goes on from the last epoch that was finished" in story.interrupted
    assert story.epochs_when_interrupted < EPOCHS


def test_the_run_ends_with_every_epoch_once_and_an_artifact(story):
    assert story.finished_status == 0, story.finished
    assert f"going on after epoch {story.epochs_when_interrupted}" in story.finished
    assert epochs_logged(story.out) == list(range(1, EPOCHS + 1))
    assert sorted(path.name for path in story.out.iterdir()) == [
        "best.pt",
        "csn",
        "curves.png",
        "last.pt",
        "log.csv",
    ]
    cache = story.out.with_name("run.cache")
    assert len(list(cache.iterdir())) == TRACKS


def test_the_artifact_is_an_encoder_that_says_where_it_comes_from(story):
    encoder = load_encoder("csn", "cpu", [story.out])
    tune_ = soundfile.read(story.corpus / "3.wav", dtype="float32")[0]
    found = embed(encoder, tune_)
    assert found.vector.shape == (24,)
    assert np.isfinite(found.vector).all()
    assert found.vector.any()
    training = encoder.manifest.training
    assert training["command"] == "python -m models train csn --config tiny.toml"
    assert (training["data"]["made"]["train"], training["data"]["made"]["validation"]) == (TRACKS - 7, 7)
    assert str(story.corpus) not in (story.out / "csn" / "manifest.json").read_text()
    make_system(f"csn@{story.out / 'csn'}", device="cpu")


def test_training_can_begin_from_an_artifact_and_the_new_one_says_so(story, csn, tmp_path):
    first = load_encoder("csn", "cpu", [story.out]).manifest
    start = ("--from", str(story.out / "csn"), "--set", "epochs=1", "--set", "optimiser.learning_rate=1e-6")
    with csn.started(story.corpus, tmp_path / "run", *start) as process:
        said = process.stderr.read()
        assert process.wait(60) == 0, said
    begun = load_encoder("csn", "cpu", [tmp_path / "run"])
    assert f"--from {first.digest} " in begun.manifest.training["command"]
    tune_ = soundfile.read(story.corpus / "3.wav", dtype="float32")[0]
    vectors = [embed(encoder, tune_).vector for encoder in (load_encoder("csn", "cpu", [story.out]), begun)]
    assert np.corrcoef(*vectors)[0, 1] > 0.9


def test_another_run_in_the_same_folder_is_refused(story, csn):
    with csn.started(story.corpus, story.out, "--set", "seed=1") as process:
        said = process.stderr.read()
        assert process.wait(60) == 1
    assert "stopped: " in said
    assert "holds a run of another model, objective or data" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "manifest.csv"), "'manifest.csv' names no data; expected DOMAIN=DATASET[@AUDIO]"),
        (("--data", "=manifest.csv"), "names no data"),
        (("--data", "made="), "names no data"),
        (("--data", "made=none.csv"), "none.csv"),
        (("--data", "made=gtzan:none"), "none"),
        (("--config", "larg"), "There is no configuration 'larg'. Presets are paper, small"),
        (("--set", "epochs"), "'epochs' changes nothing"),
        (("--set", "objective.tripel=1"), "objective.tripel: Extra inputs"),
        (("--device", "gpu"), "'gpu' is no device"),
        (("--from", "none"), "The manifest none/manifest.json cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(corpus, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    arguments = ["--data", f"made={corpus / 'manifest.csv'}", "--out", str(tmp_path / "run"), *options]
    result = CliRunner().invoke(app, ["train", "csn", *arguments])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_place_that_holds_something_else_is_refused_before_any_work(corpus, tmp_path):
    (tmp_path / "csn").mkdir()
    (tmp_path / "csn" / "diary.txt").write_text("mine")
    arguments = ["--data", f"made={corpus / 'manifest.csv'}", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["train", "csn", *arguments])
    assert result.exit_code == 2
    assert "'diary.txt'" in result.output
