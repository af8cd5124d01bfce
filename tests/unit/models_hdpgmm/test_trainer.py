"""Runs: that they learn, go on where they stopped, and leave a state to go on from."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from models.datasets.track import LabelledTrack
from models.errors import AudioUnreadable, ConfigInvalid, TrainingInterrupted
from models.hdpgmm.training.config import PRESETS, TrainingConfig, read_config
from models.hdpgmm.training.trainer import MixtureTrainer
from models.runs.checkpoint import LAST
from models.runs.frame_cache import FrameCache
from models.runs.run_log import CURVES, FILE
from models.runs.tracks import CorpusTrack, Tracks

CPU = torch.device("cpu")
SONGS, HELD_OUT, FRAMES = 14, 4, 90


def nothing(*_):
    pass


def tiny(**changes):
    settings = {
        "mixture": {"components": 6, "sticks": 3},
        "online": {"delay": 2, "iterations": 10},
        "songs": 5,
        "frames": 40,
        "start_frames": 200,
        "epochs": 4,
    }
    return TrainingConfig.model_validate({**settings, **changes})


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Frames of songs, each of which uses two of three sounds."""
    cache = FrameCache(tmp_path_factory.mktemp("cache"), 300.0)
    drawn = np.random.default_rng(0)
    sounds = 3 * drawn.normal(size=(3, 52))
    for song in range(SONGS + HELD_OUT):
        used = drawn.choice(3, 2, replace=False)
        frames = sounds[drawn.choice(used, FRAMES)] + drawn.normal(size=(FRAMES, 52))
        cache.write(f"song {song}", torch.from_numpy(frames).half())
    return cache


@pytest.fixture(scope="module")
def tracks():
    made = [
        CorpusTrack("made", LabelledTrack(id=f"{n}.wav", path=Path(f"{n}.wav")), f"song {n}")
        for n in range(SONGS + HELD_OUT)
    ]
    return Tracks(made[:SONGS], made[SONGS:], {})


@pytest.fixture
def trainer(cache, tracks, tmp_path):
    """Makes trainers, each in its folder."""

    def trainer(folder="run", tracks=tracks, **changes):
        return MixtureTrainer(tiny(**changes), tracks, cache, tmp_path / folder, CPU)

    return trainer


def trained(trainer, epochs=1):
    return [trainer.train_epoch(nothing) for _ in range(epochs)]


def same(one, other):
    ours, theirs = (each.mixture.posterior for each in (one, other))
    return (
        torch.equal(ours.components.scatter, theirs.components.scatter)
        and torch.equal(ours.sticks.b, theirs.sticks.b)
        and torch.equal(one.whitening.matrix, other.whitening.matrix)
    )


@pytest.mark.parametrize("start", ["seeds", "random"])
def test_learning_raises_what_is_made_of_songs_that_are_not_learnt(trainer, start):
    made = trainer(start=start, epochs=12, online={"delay": 2, "splash": 0})
    records = trained(made, 12)
    assert records[-1].held_out > records[0].held_out
    assert records[-1].bound > records[0].bound
    assert 1 <= records[-1].effective <= 6
    assert made.finished


def test_an_epoch_hears_every_song_once(trainer):
    made = trainer()
    seen = []
    made.train_epoch(lambda number, update: seen.append((number, update.frames)))
    assert [number for number, _ in seen] == [1, 2, 3]
    assert made.updates_per_epoch == 3
    assert [frames for _, frames in seen] == [5 * 30, 5 * 30, 4 * 30]


def test_a_run_that_was_interrupted_learns_the_same(trainer):
    whole = trainer("whole")
    trained(whole, 4)
    trained(trainer("parts"), 2)
    again = trainer("parts")
    assert again.epochs_done == 2
    trained(again, 2)
    assert same(whole, again)
    assert again.mixture.updates == whole.mixture.updates == 12


def test_epochs_may_be_added_later(trainer):
    trained(trainer(epochs=1), 1)
    assert not trainer(epochs=2).finished


@pytest.mark.parametrize("changes", [{"seed": 1}, {"frames": 50}, {"mixture": {"components": 7, "sticks": 3}}])
def test_another_run_in_the_folder_is_refused(trainer, changes):
    trained(trainer())
    with pytest.raises(TrainingInterrupted, match="holds a run of another"):
        trainer(**changes)


def test_other_songs_in_the_folder_are_refused(trainer, tracks):
    trained(trainer())
    with pytest.raises(TrainingInterrupted, match="holds a run of another"):
        trainer(tracks=Tracks(tracks.train[1:], tracks.validation, {}))


def test_a_damaged_checkpoint_is_refused_with_what_to_do(trainer, tmp_path):
    trained(trainer())
    (tmp_path / "run" / LAST).write_bytes(b"half")
    with pytest.raises(TrainingInterrupted, match=r"Remove last\.pt to begin anew"):
        trainer()


def test_every_epoch_is_logged_and_drawn(trainer, tmp_path):
    trained(trainer(), 2)
    with (tmp_path / "run" / FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert float(rows[1]["bound held out"]) < 0
    assert int(rows[1]["components in use"]) <= 6
    assert (tmp_path / "run" / CURVES).stat().st_size > 5_000


def test_a_bound_that_is_no_number_ends_the_run_before_it_is_kept(trainer, monkeypatch):
    made = trainer()
    trained(made)
    monkeypatch.setattr(type(made.whitening), "apply", lambda _, frames: torch.full(frames.shape, torch.nan))
    with pytest.raises(TrainingInterrupted, match=r"Epoch 2: the bound is no number in update 1\."):
        made.train_epoch(nothing)
    monkeypatch.undo()
    assert trainer().epochs_done == 1


def test_a_covariance_without_a_root_ends_the_run_before_it_is_kept(trainer):
    made = trainer()
    components = made.mixture.posterior.components
    components.scatter[0] = -components.scatter[0]
    vars(components).pop("factor", None)
    with pytest.raises(TrainingInterrupted, match=r"Epoch 1: a covariance has no root in update 1\."):
        made.train_epoch(nothing)


def test_presets_can_be_used_and_paper_has_the_papers_sizes():
    for preset in PRESETS.glob("*.toml"):
        assert isinstance(read_config(preset.stem), TrainingConfig)
    paper = read_config("paper")
    assert (paper.mixture.components, paper.mixture.sticks, paper.songs) == (256, 32, 1024)
    assert (paper.online.forgetting, paper.online.delay, paper.online.splash) == (0.6, 64, 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("mixture.components=1", r"mixture\.components: .*greater than or equal to 2"),
        ("mixture.extra_degrees=-1", r"mixture\.extra_degrees: .*greater than -1"),
        ("online.splash=1", r"online\.splash: .*less than 1"),
        ("online.step=fast", r"online\.step: .*'natural' or 'reference'"),
        ("song=3", "song: Extra inputs"),
    ],
)
def test_a_fault_in_the_configuration_is_named_with_its_place(change, message):
    with pytest.raises(ConfigInvalid, match=message):
        read_config("small", [change])


def test_silence_is_refused_and_quiet_music_is_not(cache):
    time = np.arange(4 * 22_050) / 22_050
    quiet = (1e-3 * np.sin(2 * np.pi * 330 * time)).astype(np.float32)
    assert cache.compute(quiet).shape == (-(-len(quiet) // 512), 52)
    with pytest.raises(AudioUnreadable, match="silent"):
        cache.compute(np.zeros_like(quiet))


@pytest.mark.parametrize(
    "frames", [torch.zeros(3, 51).half(), torch.zeros(3, 52), torch.full((3, 52), torch.inf).half()]
)
def test_what_is_no_frames_is_noticed(cache, frames):
    with pytest.raises(ValueError, match="frames"):
        cache.features({"frames": frames})
