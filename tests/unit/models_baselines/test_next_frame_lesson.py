"""Runs of the LSTM: its loss by hand, that it learns, and what it is judged beside."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from models.baselines.lstm_inputs import SECTION_FRAMES, to_sections
from models.baselines.training.config import PRESETS, LstmConfig, read_config
from models.baselines.training.crop_cache import ChromaCache
from models.baselines.training.next_frame_lesson import (
    HELD_OUT,
    MEAN,
    REPEATED,
    NextFrameLesson,
    next_frame_errors,
    random_section,
)
from models.datasets.track import LabelledTrack
from models.errors import AudioUnreadable, ConfigInvalid
from models.runs.network_trainer import NetworkTrainer
from models.runs.run_log import FILE
from models.runs.tracks import CorpusTrack, Tracks

CPU = torch.device("cpu")
SONGS, OTHERS = 8, 3
TINY = LstmConfig.model_validate(
    {"songs": 4, "epochs": 4, "learning_rate": 1e-2, "precision": "float32", "encoder": {"hidden": 16}}
)


def nothing(*_):
    pass


def scale(song, frames=150):
    """A chromagram that climbs a step every frame: the next one can be foretold."""
    steps = (np.arange(frames) + song) % 12
    return torch.from_numpy(0.9 * np.eye(12)[steps] + 0.1).half()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    made = ChromaCache(tmp_path_factory.mktemp("cache"), 300.0)
    for song in range(SONGS + OTHERS):
        made.write(f"song {song}", scale(song))
    return made


@pytest.fixture
def trainer(cache, tmp_path):
    """Makes trainers, each in its folder."""
    made = [
        CorpusTrack("made", LabelledTrack(id=f"{song}.wav", path=Path(f"{song}.wav")), f"song {song}")
        for song in range(SONGS + OTHERS)
    ]
    tracks = Tracks(made[:SONGS], made[SONGS:], {})

    def trainer(folder="run", **changes):
        config = TINY.model_copy(update=changes)
        lesson = NextFrameLesson(config, tracks, cache, CPU)
        return NetworkTrainer(lesson, config, config.seed, tmp_path / folder)

    return trainer


def test_the_loss_is_the_sum_over_pitch_classes_and_the_mean_over_frames_that_count():
    frames = torch.zeros(2, 4, 12)
    frames[0, 1, 3], frames[0, 2, 5], frames[0, 3, 7] = 1.0, 1.0, 1.0
    frames[1, 1, 0] = 0.5
    guesses = torch.zeros(2, 4, 12)
    guesses[0, 0, 3] = 0.75
    guesses[0, 1, 4] = -0.25
    found = next_frame_errors(guesses, frames, torch.tensor([3, 2]))
    assert found.tolist() == [0.25, 1.25, 0.5]


def test_the_guess_that_repeats_the_last_frame_is_wrong_by_what_changes():
    frames = torch.rand(1, 50, 12)
    found = next_frame_errors(frames, frames, torch.tensor([50]))
    torch.testing.assert_close(found, frames[0].diff(dim=0).abs().sum(1))


def test_what_is_filled_in_changes_no_loss(trainer):
    lesson = trainer().lesson
    lesson.modules.eval()
    section = to_sections(scale(0).float())
    other = section.clone()
    other[:, 150:, :12] = 7.0
    short = section[:, :150]
    for same in (other, short):
        torch.testing.assert_close(lesson.loss(same), lesson.loss(section))


def test_one_step_lowers_the_loss_of_its_batch(trainer):
    lesson = trainer().lesson
    lesson.modules.eval()
    batch = lesson.batch(1, 0)
    before = lesson.loss(batch)
    before.backward()
    torch.optim.SGD(lesson.modules.parameters(), 1e-2).step()
    assert lesson.loss(batch) < before


def test_learning_gets_ahead_of_both_guesses_where_the_next_frame_can_be_foretold(trainer):
    made = trainer(epochs=10, rounds=10, learning_rate=2e-2)
    for _ in range(10):
        figures = made.train_epoch(nothing).figures
    assert figures[HELD_OUT] < 0.5 * min(figures[REPEATED], figures[MEAN])


def test_both_guesses_are_judged_on_the_frames_of_the_validation_songs(trainer, cache):
    figures = trainer().judge()
    others = [cache.read(f"song {song}").float() for song in range(SONGS, SONGS + OTHERS)]
    mean = torch.cat([cache.read(f"song {song}").float() for song in range(SONGS)]).mean(0)
    repeated = torch.cat([song.diff(dim=0) for song in others]).abs().sum(1).mean()
    guessed = torch.cat([song[1:] - mean for song in others]).abs().sum(1).mean()
    assert figures[REPEATED] == pytest.approx(repeated.item(), rel=1e-5)
    assert figures[MEAN] == pytest.approx(guessed.item(), rel=1e-5)


def test_a_run_that_was_interrupted_learns_the_same_as_one_that_was_not(trainer, tmp_path):
    made = {}
    for folder, parts in (("whole", (4,)), ("broken", (2, 2))):
        for epochs in parts:
            made[folder] = trainer(folder, schedule="cosine", clip=0.5)
            for _ in range(epochs):
                made[folder].train_epoch(nothing)
    ours, theirs = (each.lesson.modules.state_dict() for each in made.values())
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    logs = []
    for folder in made:
        with (tmp_path / folder / FILE).open(newline="") as file:
            logs.append([{**row, "seconds": ""} for row in csv.DictReader(file)])
    assert logs[0] == logs[1]
    assert logs[0][0].keys() >= {HELD_OUT, REPEATED, MEAN}


def test_sections_are_drawn_from_anywhere_in_the_song():
    track = torch.arange(1, 1_301)[:, None].expand(-1, 12).half()
    drawn = [random_section(track, np.random.default_rng(seed)) for seed in range(200)]
    assert {section.shape for section in drawn} == {(SECTION_FRAMES, 13)}
    starts = torch.stack([section[0, 0] for section in drawn])
    assert starts.min() < 20
    assert starts.max() > 280


def test_too_little_memory_is_said_with_what_to_do(trainer):
    assert "a section of 4 songs in a batch. Take less, such as --set songs=2," in trainer().lesson.less_memory


def test_silence_is_refused_and_quiet_music_is_not(cache):
    quiet = (1e-2 * np.sin(np.arange(44_100) / 9)).astype(np.float32)
    assert cache.compute(quiet).shape == (87, 12)
    with pytest.raises(AudioUnreadable, match="silent"):
        cache.compute(np.zeros_like(quiet))


@pytest.mark.parametrize("name", ["paper", "small"])
def test_the_presets_can_be_used_and_have_one_network(name):
    config = read_config(LstmConfig, "lstm", name)
    assert config.encoder.hidden == 128
    assert {preset.stem for preset in (PRESETS / "lstm").iterdir()} == {"paper", "small"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("encoder.reduce=median", r"encoder\.reduce: .*'mean', 'max' or 'last'"),
        ("encoder.keep=all", r"encoder\.keep: .*'states', 'outputs' or 'both'"),
        ("encoder.dropout=1", r"encoder\.dropout: .*less than 1"),
        ("clip=-1", r"clip: .*greater than or equal to 0"),
    ],
)
def test_a_fault_in_the_configuration_is_named_with_its_place(change, message):
    with pytest.raises(ConfigInvalid, match=message):
        read_config(LstmConfig, "lstm", "small", [change])
