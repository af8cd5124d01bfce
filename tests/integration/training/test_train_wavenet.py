"""``train wavenet`` as people run it: killed while it learns to predict, and to rank, and run again to its end."""

import csv

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from models.__main__ import app
from models.encoder import embed
from models.evaluate.systems.lookup import make_system
from models.registry import load_encoder

RATE = 22_050
TRACKS, HELD_OUT = 36, 12
PREDICTION_EPOCHS, EPOCHS = 2, 6
CONFIG = f"""
epochs = {EPOCHS}
per_epoch = 10
learning_rate = 1e-2
crop_s = 1.5

[network]
signal = "mel"
mel_bands = 24
channels = 8
skip_channels = 4
stacks = 2
layers = 2
reduced_channels = 8
final_pooling = "mean"
parts = 1
connected = [6]
segment_s = 1

[lists]
groups = 3
tracks = 4
by_annotations = 0

[prediction]
epochs = {PREDICTION_EPOCHS}
per_epoch = 60
crops = 8
crop_s = 1.5
"""


@pytest.fixture(scope="module")
def corpus(tune, tmp_path_factory):
    """A folder with tunes, each on an album of its kind, a manifest, and configurations."""
    folder = tmp_path_factory.mktemp("corpus")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "source", "split"])
        for number in range(TRACKS):
            soundfile.write(folder / f"{number}.wav", tune(number), RATE)
            side = "validation" if number >= TRACKS - HELD_OUT else "train"
            writer.writerow([f"{number}.wav", f"{side} {number % 3}", side])
    (folder / "tiny.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def wavenet(program):
    return program("wavenet")


@pytest.fixture(scope="module")
def run(corpus, wavenet, tmp_path_factory):
    """The folder of a run, and what its three processes said."""
    out = tmp_path_factory.mktemp("runs") / "run"
    predicting = wavenet.killed(corpus, out, stage="prediction")
    ranking = wavenet.killed(corpus, out)
    return out, predicting, ranking, wavenet.finished(corpus, out)


pytestmark = pytest.mark.slow  # several processes, each of which loads torch


def test_after_a_kill_in_either_stage_the_same_command_goes_on_to_the_end(run):
    out, predicting, ranking, finished = run
    assert f"{TRACKS - HELD_OUT} tracks to learn from, {HELD_OUT} to judge by" in predicting
    assert "learning to predict the next element" in predicting
    assert "learning to rank" not in predicting
    assert "going on after epoch 1\n" in ranking.partition("learning to rank")[0]
    assert "going on after" not in ranking.partition("learning to rank")[2]
    assert "going on after epoch" in finished.partition("learning to rank")[2]
    assert "Traceback" not in predicting + ranking + finished
    for folder, epochs in ((out, EPOCHS), (out / "prediction", PREDICTION_EPOCHS)):
        with (folder / "log.csv").open(newline="") as file:
            assert [int(row["epoch"]) for row in csv.DictReader(file)] == list(range(1, epochs + 1))
    files = {"best.pt", "curves.png", "last.pt", "log.csv"}
    assert {path.name for path in out.iterdir()} == files | {"prediction", "wavenet"}
    assert {path.name for path in (out / "prediction").iterdir()} == files
    assert len(list(out.with_name("run.cache").iterdir())) == TRACKS


def test_the_artifact_is_an_encoder_that_tells_noise_from_tones(run, tune):
    out = run[0]
    encoder = load_encoder("wavenet", "cpu", [out])
    vectors = np.array([embed(encoder, tune(number).astype(np.float32)).vector for number in range(12)])
    likeness = vectors @ vectors.T
    noise = np.arange(12) % 3 == 0
    assert likeness[noise][:, noise].min() > likeness[noise][:, ~noise].max()
    make_system(f"wavenet@{out / 'wavenet'}", device="cpu")


def test_the_artifact_says_where_it_comes_from_and_names_no_folder(corpus, run):
    out, *_, finished = run
    manifest = load_encoder("wavenet", "cpu", [out]).manifest
    training = manifest.training
    assert training["command"] == "python -m models train wavenet --config tiny.toml"
    assert (training["data"]["made"]["train"], training["data"]["made"]["validation"]) == (24, HELD_OUT)
    assert training["config"]["network"]["mel_bands"] == 24
    assert training["config"]["prediction"]["epochs"] == PREDICTION_EPOCHS
    assert training["prediction"].keys() == {"epoch", "loss held out", "loss of the element before"}
    assert training["held out"].keys() == {"PC made origin"}
    assert f"epoch {training['epoch']}, 6 dimensions, digest {manifest.digest[:12]}" in finished
    assert str(corpus) not in (out / "wavenet" / "manifest.json").read_text()
    assert str(out.parent) not in (out / "wavenet" / "manifest.json").read_text()


@pytest.mark.parametrize("change", ["seed=1", "objective.loss=hinge"])
def test_a_folder_with_another_run_is_refused(corpus, run, wavenet, change):
    with wavenet.started(corpus, run[0], "--set", change) as process:
        said = process.stderr.read()
        assert process.wait(60) == 1
    assert "holds a run of another model, objective or data" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "manifest.csv"), "'manifest.csv' names no data; expected DOMAIN=DATASET[@AUDIO]"),
        (("--data", "made=none.csv"), "none.csv"),
        (("--config", "larg"), "There is no configuration 'larg'. Presets are paper, samples, small"),
        (("--set", "objective.loss=triplet"), "objective.loss: Input should be 'hinge'"),
        (("--set", "lists.similar=3"), "give both numbers, or 0 and 0 for all"),
        (("--set", "network.width=3"), "network.width: Extra inputs"),
        (("--set", "prediction.epochs=1", "--set", "network.padding=centred"), "padding is 'causal'"),
        (("--device", "gpu"), "'gpu' is no device"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(corpus, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    arguments = ["--data", f"made={corpus / 'manifest.csv'}", "--out", str(tmp_path / "run"), *options]
    result = CliRunner().invoke(app, ["train", "wavenet", *arguments])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_place_that_holds_something_else_is_refused_before_any_work(corpus, tmp_path):
    (tmp_path / "wavenet").mkdir()
    (tmp_path / "wavenet" / "diary.txt").write_text("mine")
    arguments = ["--data", f"made={corpus / 'manifest.csv'}", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["train", "wavenet", *arguments])
    assert result.exit_code == 2
    assert "'diary.txt'" in result.output
