"""``train hdpgmm`` as people run it: killed, run again to its end, and asked for what cannot be."""

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
TRACKS = 28
EPOCHS = 12
CONFIG = f"""
songs = 8
frames = 60
start_frames = 500
epochs = {EPOCHS}

[mixture]
components = 4
sticks = 3

[online]
delay = 1
"""


@pytest.fixture(scope="module")
def corpus(tune, tmp_path_factory):
    """A folder with tunes, a manifest that says which are noise, and a configuration."""
    folder = tmp_path_factory.mktemp("corpus")
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "source", "split", "genre"])
        for number in range(TRACKS):
            soundfile.write(folder / f"{number}.wav", tune(number), RATE)
            side = "validation" if number >= TRACKS - 6 else "train"
            writer.writerow([f"{number}.wav", f"source {number}", side, "" if number % 3 else "noise"])
    (folder / "tiny.toml").write_text(CONFIG)
    return folder


@pytest.fixture(scope="module")
def run(corpus, program, tmp_path_factory):
    """A run that was killed after its first checkpoint, and run again: its folder, and what both processes said."""
    out = tmp_path_factory.mktemp("runs") / "run"
    hdpgmm = program("hdpgmm")
    return out, hdpgmm.killed(corpus, out), hdpgmm.finished(corpus, out)


pytestmark = pytest.mark.slow  # several processes, each of which loads torch


def test_after_a_kill_the_same_command_goes_on_to_the_end(run):
    out, killed, finished = run
    assert "22 tracks to learn from, 6 to judge by" in killed
    assert "going on after epoch" in finished
    assert "Traceback" not in killed + finished
    with (out / "log.csv").open(newline="") as file:
        assert [int(row["epoch"]) for row in csv.DictReader(file)] == list(range(1, EPOCHS + 1))
    assert sorted(path.name for path in out.iterdir()) == ["curves.png", "hdpgmm", "last.pt", "log.csv"]


def test_the_artifact_is_an_encoder_that_tells_noise_from_tones(corpus, run, tune):
    out = run[0]
    encoder = load_encoder("hdpgmm", "cpu", [out])
    vectors = np.array([embed(encoder, tune(number).astype(np.float32)).vector for number in range(12)])
    likeness = vectors @ vectors.T
    noise = np.arange(12) % 3 == 0
    assert likeness[noise][:, noise].min() > likeness[noise][:, ~noise].max()
    training = encoder.manifest.training
    assert training["command"] == "python -m models train hdpgmm --config tiny.toml"
    assert (training["data"]["made"]["train"], training["data"]["made"]["validation"]) == (22, 6)
    assert str(corpus) not in (out / "hdpgmm" / "manifest.json").read_text()
    make_system(f"hdpgmm@{out / 'hdpgmm'}", device="cpu")


def test_components_say_what_they_are_by_the_tags_of_the_tracks_that_use_them(run):
    out, _, finished = run
    components = load_encoder("hdpgmm", "cpu", [out]).manifest.training["components"]
    assert sum(component["share"] for component in components) == pytest.approx(1)
    (noise,) = [component for component in components if component["tags"]]
    ((name, lift),) = noise["tags"]
    assert name == "noise"
    assert lift > 1.5
    assert f"{noise['share']:.1%} of the music, noise ×{lift:.1f}" in finished


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data", "manifest.csv"), "'manifest.csv' names no data; expected DOMAIN=DATASET[@AUDIO]"),
        (("--config", "larg"), "There is no configuration 'larg'. Presets are paper, small"),
        (("--set", "mixture.sticks=0"), "mixture.sticks: Input should be greater than or equal to 2"),
        (("--device", "gpu"), "'gpu' is no device"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(corpus, tmp_path, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    arguments = ["--data", f"made={corpus / 'manifest.csv'}", "--out", str(tmp_path / "run"), *options]
    result = CliRunner().invoke(app, ["train", "hdpgmm", *arguments])
    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
