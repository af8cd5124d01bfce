"""Runs of KIM and CLMR: that they learn, go on where they stopped, and leave a state to go on from."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from models.baselines.clmr_network import BLOCK_SAMPLES
from models.baselines.training.config import ClmrConfig, KimConfig, NetworkConfig, VqConfig, read_config
from models.baselines.training.crop_cache import MelCache, SampleCache
from models.baselines.training.crops import random_pairs, spread_crops
from models.baselines.training.pair_lesson import HELD_OUT, PairLesson
from models.baselines.training.tasks import CLMR, KIM
from models.datasets.track import LabelledTrack
from models.errors import AudioUnreadable, ConfigInvalid, TrainingInterrupted
from models.runs.checkpoint import BEST, LAST, load
from models.runs.half_tensors import half_tensors
from models.runs.network_checkpoint import NetworkCheckpoint
from models.runs.network_trainer import NetworkTrainer
from models.runs.run_log import CURVES, FILE
from models.runs.tracks import CorpusTrack, Tracks

CPU = torch.device("cpu")
SONGS, OTHERS = 12, 4
TINY = {
    "kim": KimConfig.model_validate(
        {"songs": 5, "rounds": 2, "epochs": 4, "learning_rate": 1e-3, "encoder": {"dimension": 8, "dropout": 0.1}}
    ),
    "clmr": ClmrConfig.model_validate(
        {"songs": 6, "epochs": 4, "learning_rate": 3e-3, "encoder": {"channels": [4] * 10, "dimension": 8}}
    ),
}
TASKS = {"kim": KIM, "clmr": CLMR}


def nothing(*_):
    pass


def mel(song, generator):
    """A spectrogram with bands of its own."""
    return -40 + 15 * np.sin(np.arange(128) * (1 + song) / 9) + generator.normal(scale=2, size=(300, 128))


def samples(song, generator):
    """A tone of its own."""
    time = np.arange(BLOCK_SAMPLES + 5_000) / 22_050
    return 0.1 * np.sin(2 * np.pi * 150 * (1 + song) * time) + generator.normal(scale=0.01, size=len(time))


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    made = {"kim": (MelCache(folder, 90.0), mel), "clmr": (SampleCache(folder, 60.0), samples)}
    for name, (cache, sound) in made.items():
        for song in range(SONGS + OTHERS):
            cache.write(f"{name} {song}", torch.from_numpy(sound(song, np.random.default_rng(song))).half())
    return {name: cache for name, (cache, _) in made.items()}


def tracks(name):
    made = [
        CorpusTrack("made", LabelledTrack(id=f"{n}.wav", path=Path(f"{n}.wav")), f"{name} {n}")
        for n in range(SONGS + OTHERS)
    ]
    return Tracks(made[:SONGS], made[SONGS:], {})


@pytest.fixture
def trainer(caches, tmp_path):
    """Makes trainers, each in its folder."""

    def trainer(name="kim", folder="run", **changes):
        config = TINY[name].model_copy(update={"precision": "float32", **changes})
        lesson = PairLesson(TASKS[name], config, tracks(name), caches[name], CPU)
        return NetworkTrainer(lesson, config, config.seed, tmp_path / folder)

    return trainer


def trained(trainer, epochs):
    return [trainer.train_epoch(nothing) for _ in range(epochs)]


def same(one, other):
    ours, theirs = (trainer.lesson.modules.state_dict() for trainer in (one, other))
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def log_of(folder):
    with (folder / FILE).open(newline="") as file:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", TASKS)
def test_learning_lowers_the_loss_on_the_songs_that_are_learnt(trainer, name):
    made = trainer(name, epochs=10, learning_rate=3e-3)
    records = trained(made, 10)
    assert np.mean([record.loss for record in records[-3:]]) < 0.8 * records[0].loss
    assert made.finished


@pytest.mark.parametrize(
    ("name", "changes"),
    [("kim", {}), ("kim", {"schedule": "cosine", "weight_decay": 1e-3}), ("clmr", {"schedule": "cosine"})],
)
def test_a_run_that_was_interrupted_learns_the_same_as_one_that_was_not(trainer, tmp_path, name, changes):
    whole = trainer(name, "whole", **changes)
    trained(whole, 4)
    trained(trainer(name, "broken", **changes), 2)
    resumed = trainer(name, "broken", **changes)
    assert resumed.epochs_done == 2
    trained(resumed, 2)
    assert same(resumed, whole)
    assert log_of(tmp_path / "broken") == log_of(tmp_path / "whole")
    assert resumed.restore_best() == whole.restore_best()
    assert same(resumed, whole)


def test_an_epoch_hears_every_song_in_each_round_but_those_that_fill_no_batch(trainer):
    made = trainer()
    assert made.lesson.batches_per_epoch == 2 * (SONGS // 5)
    seen = []
    made.train_epoch(lambda number, loss: seen.append((number, loss)))
    assert [number for number, _ in seen] == [1, 2, 3, 4]
    batches = [made.lesson.batch(1, number) for number in range(4)]
    assert {batch.shape for batch in batches} == {(2, 5, 216, 128)}
    songs = torch.cat([batch[0, :, 0] for batch in batches[:2]])
    assert len(songs.unique(dim=0)) == 10


def test_fewer_songs_than_a_batch_holds_are_one_batch(trainer):
    made = trainer(songs=100)
    assert made.lesson.batches_per_epoch == 2
    assert made.lesson.batch(1, 1).shape[1] == SONGS


def test_the_rate_falls_along_a_cosine_or_stays(trainer):
    falling = [record.rate for record in trained(trainer(schedule="cosine"), 4)]
    np.testing.assert_allclose(falling, 1e-3 * (1 + np.cos(np.pi * np.arange(1, 5) / 4)).clip(2e-3) / 2)
    assert {record.rate for record in trained(trainer(folder="other"), 2)} == {1e-3}


def test_epochs_and_pace_may_change_on_the_way(trainer):
    trained(trainer(epochs=1), 1)
    made = trainer(epochs=2, learning_rate=1e-4, schedule="cosine")
    assert not made.finished
    assert trained(made, 1)[0].rate < 1e-4


@pytest.mark.parametrize("changes", [{"seed": 1}, {"songs": 6}, {"weight_decay": 0.5}])
def test_another_run_in_the_folder_is_refused(trainer, changes):
    trained(trainer(), 1)
    with pytest.raises(TrainingInterrupted, match="holds a run of another"):
        trainer(**changes)


def test_a_run_of_another_kind_in_the_folder_is_refused(trainer, tmp_path):
    trained(trainer("kim"), 1)
    with pytest.raises(TrainingInterrupted, match="holds a run of another"):
        trainer("clmr")
    torch.save({"identity": "of a mixture", "tensors": {}}, tmp_path / "run" / LAST)
    with pytest.raises(TrainingInterrupted, match="holds a run of another"):
        trainer("kim")


def test_a_damaged_checkpoint_is_refused_with_what_to_do(trainer, tmp_path):
    trained(trainer(), 1)
    (tmp_path / "run" / LAST).write_bytes(b"half")
    with pytest.raises(TrainingInterrupted, match=r"Remove last\.pt to begin anew"):
        trainer()


def test_every_epoch_is_logged_and_drawn(trainer, tmp_path):
    trained(trainer(), 2)
    rows = log_of(tmp_path / "run")
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert 0 <= float(rows[1]["found held out"]) <= 1
    assert float(rows[1]["loss held out"]) > 0
    assert (tmp_path / "run" / CURVES).stat().st_size > 5_000


def test_the_best_epoch_is_that_of_the_lowest_loss_on_validation_songs(trainer, tmp_path):
    made = trainer()
    records = trained(made, 4)
    best = min(records, key=lambda record: record.figures[HELD_OUT])
    assert made.restore_best() == best.epoch
    assert made.judge()[HELD_OUT] == pytest.approx(best.figures[HELD_OUT], abs=0.02)  # rounded to half precision
    tensors = half_tensors(made.lesson.network)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert not any("num_batches" in name for name in tensors)
    found = load(NetworkCheckpoint, tmp_path / "run" / BEST, made.lesson.identity)
    torch.testing.assert_close(
        tensors["representation.0.weight"].float(),
        found.modules["network.representation.0.weight"],
        atol=1e-3,
        rtol=1e-3,
    )


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_kept(trainer):
    made = trainer()
    trained(made, 1)
    with torch.no_grad():
        made.lesson.network.representation[0].weight.fill_(torch.nan)
    with pytest.raises(TrainingInterrupted, match=r"Epoch 2: the loss is no number in batch 1.*_rate=0\.0002"):
        made.train_epoch(nothing)
    assert trainer().epochs_done == 1


def test_a_validation_loss_that_is_no_number_ends_the_run_before_it_is_kept(trainer, monkeypatch):
    made = trainer()
    monkeypatch.setattr(made, "_learn", lambda *_: 0.5)
    with torch.no_grad():
        made.lesson.network.representation[0].weight.fill_(torch.nan)
    with pytest.raises(TrainingInterrupted, match="the loss on validation songs is no number"):
        made.train_epoch(nothing)


def test_too_little_memory_is_said_with_what_to_do(trainer, monkeypatch):
    made = trainer()

    def full(*_):
        raise MemoryError

    monkeypatch.setattr(made.lesson, "_embedded", full)
    with pytest.raises(TrainingInterrupted, match=r"two crops of 5 songs .* --set songs=2, in another folder"):
        made.train_epoch(nothing)


def test_bands_are_standardised_by_the_songs_that_are_learnt(trainer, caches):
    network = trainer().lesson.network
    frames = torch.cat([caches["kim"].read(f"kim {song}").double() for song in range(SONGS)])
    torch.testing.assert_close(network.band_mean.double(), frames.mean(0), rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(network.band_deviation.double(), frames.std(0), rtol=1e-3, atol=1e-3)


def test_crops_are_drawn_apart_from_anywhere_in_the_song(caches):
    cache, blocks = caches["kim"], KIM.encoder.blocks
    track = cache.read("kim 0")
    cache.write("ramp", torch.arange(len(track))[:, None].expand(-1, 128).half())
    pairs = random_pairs(cache, ["ramp"] * 200, blocks, np.random.default_rng(0))
    starts = pairs[:, :, 0, 0]
    assert (starts.min(), starts.max()) == (0, len(track) - blocks.length)
    assert abs(np.corrcoef(*starts.numpy())[0, 1]) < 0.2


def test_crops_to_judge_by_are_spread_over_the_song(caches):
    cache, blocks = caches["kim"], KIM.encoder.blocks
    cache.write("long", torch.arange(10 * blocks.length)[:, None].expand(-1, 128).half())
    found = spread_crops(cache, "long", blocks, 4)
    assert (found[:, 0, 0] / blocks.length).tolist() == [0, 3, 6, 9]
    assert len(spread_crops(cache, "long", blocks, 40)) == 10


@pytest.mark.parametrize("name", TASKS)
def test_silence_is_refused_and_quiet_music_is_not(caches, name):
    quiet = (1e-2 * samples(2, np.random.default_rng(0))).astype(np.float32)
    assert len(caches[name].compute(quiet)) >= len(quiet) // 256
    with pytest.raises(AudioUnreadable, match="silent"):
        caches[name].compute(np.zeros_like(quiet))


@pytest.mark.parametrize(
    "found",
    [None, torch.zeros(3, 127).half(), torch.zeros(3, 128), torch.zeros(()).half(), torch.zeros(0, 128).half()],
)
def test_what_is_no_spectrogram_is_noticed(caches, found):
    with pytest.raises(ValueError, match="mel"):
        caches["kim"].features({} if found is None else {"mel": found})


@pytest.mark.parametrize(
    ("kind", "encoder", "change", "message"),
    [
        (KimConfig, "kim", "encoder.dropout=1", r"encoder\.dropout: .*less than 1"),
        (KimConfig, "kim", "songs=1", r"songs: .*greater than or equal to 2"),
        (KimConfig, "kim", "temperature=1", "temperature: Extra inputs"),
        (ClmrConfig, "clmr", "encoder.channels=[3, 3]", r"encoder\.channels: .*at least 10"),
        (ClmrConfig, "clmr", "learning_rate=0", r"learning_rate: .*greater than 0"),
        (ClmrConfig, "clmr", "schedule=fast", r"schedule: .*'constant' or 'cosine'"),
        (VqConfig, "vq", "encoder.codewords=1", r"encoder\.codewords: .*greater than or equal to 2"),
    ],
)
def test_a_fault_in_the_configuration_is_named_with_its_place(kind, encoder, change, message):
    name = "small" if issubclass(kind, NetworkConfig) else "paper"
    with pytest.raises(ConfigInvalid, match=message):
        read_config(kind, encoder, name, [change])


def test_the_paper_presets_have_the_papers_settings():
    kim, clmr = read_config(KimConfig, "kim", "paper"), read_config(ClmrConfig, "clmr", "paper")
    assert (kim.songs, kim.learning_rate, kim.weight_decay, kim.schedule) == (48, 1e-3, 1e-6, "constant")
    assert (clmr.songs, clmr.learning_rate, clmr.temperature, clmr.epochs) == (48, 3e-4, 0.5, 100)
    assert read_config(VqConfig, "vq", "paper").encoder.codewords == 256
