"""Runs: that they learn, go on where they stopped, and leave a state to go on from whatever goes wrong."""

import csv
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.csn.network import example_inputs
from models.csn.training.checkpoint import CsnCheckpoint
from models.csn.training.likeness import likeness
from models.csn.training.material import Material
from models.csn.training.trainer import TOTAL, Trainer
from models.csn.training.validation import triplet_accuracy
from models.datasets.track import DIMENSIONS
from models.errors import TrainingInterrupted
from models.runs.checkpoint import BEST, LAST, load
from models.runs.device import computes_bfloat16
from models.runs.run_log import CURVES, FILE

CPU = torch.device("cpu")
FAMILIES = {
    "triplet": {"triplet": 1.0},
    "triplet and track": {"triplet": 1.0, "track": 0.5},
    "proxy": {"tags": 1.0},
    "classification": {"tags": 1.0, "normalised": False},
}
SINGLE = {"inputs": "single", "spaces": ("genre", "mood", "tempo"), "joint_blocks": 1}
QUICK = {
    "objective": {"triplet": 1.0, "tags": 1.0},
    "batch": {"tracks": 4, "segments": 2, "per_epoch": 1},
    "validation_segments": 1,
    "optimiser": {"warm_up": 0, "precision": "float32"},
}


def nothing(*_):
    pass


@pytest.fixture(scope="module")
def material(make, tmp_path_factory):
    return make.material(tmp_path_factory.mktemp("cache"), make.config())


@pytest.fixture
def trainer(make, material, tmp_path):
    """Makes trainers, each in its folder, on the same tracks."""

    def trainer(folder="run", material=material, **sections):
        network = {**SINGLE, **sections.pop("network", {})}
        config = make.config(**{**QUICK, **sections}, network=network)
        return Trainer(config, material, tmp_path / folder, CPU)

    return trainer


@pytest.fixture(scope="module")
def first_epoch(make, material, tmp_path_factory):
    """The folder of a run after its first epoch."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    trained(Trainer(make.config(**QUICK, network=SINGLE), material, folder, CPU), 1)
    return folder


@pytest.fixture
def begun(trainer, first_epoch, tmp_path):
    """A trainer that goes on after the first epoch, in the folder ``run``."""
    shutil.copytree(first_epoch, tmp_path / "run")
    return trainer()


def trained(trainer, epochs):
    for _ in range(epochs):
        trainer.train_epoch(nothing)
    return trainer


def states(trainer):
    return trainer.network.state_dict() | trainer.objective.state_dict()


def same(one, other):
    ours, theirs = states(one), states(other)
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def rate_of(trainer):
    return trainer._optimiser.param_groups[0]["lr"]


def log_of(folder):
    with (folder / FILE).open(newline="") as file:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_can_be_learnt_by_heart(trainer, family):
    spaces = ("genre", "key")
    segments = 2 if "track" in family else 1
    made = trainer(
        objective=FAMILIES[family],
        optimiser={"warm_up": 0, "learning_rate": 0.01, "precision": "float32"},
        batch={"tracks": 8, "segments": segments},
        network={"inputs": "multi", "spaces": spaces, "width": 0.05},
    )
    batch = made._batch(1, 0)
    before = np.mean([made._step(batch, 1, number)[TOTAL] for number in range(3)])
    for number in range(30):
        made._step(batch, 1, number)
    after = np.mean([made._step(batch, 1, number)[TOTAL] for number in range(3)])
    assert after < 0.25 * before
    embeddings = made.embed(batch.segments).view(8, segments, -1).mean(1).numpy()
    for space, part in made.config.network.slices().items():
        found = likeness(batch.corpus, space)
        assert len(found.anchors)
        assert triplet_accuracy(embeddings[:, part], found) > 0.95, space


@pytest.mark.parametrize(
    "sections",
    [
        {
            "optimiser": {"schedule": "plateau", "patience": 1, "weight_decay": 0.01, "precision": "float32"},
            "augmentation": {"equalise": 0.5},
        },
        {
            "objective": {"triplet": 1.0, "tags": 1.0, "track": 0.5},
            "optimiser": {"schedule": "cosine", "warm_up": 3, "precision": "float32"},
            "augmentation": {"transpose": 0.7, "stretch": 0.5, "equalise": 0.5},
            "network": {"inputs": "multi", "spaces": DIMENSIONS},
        },
    ],
    ids=["plateau", "cosine"],
)
def test_a_run_that_was_interrupted_learns_the_same_as_one_that_was_not(trainer, tmp_path, sections):
    whole = trained(trainer("whole", **sections), 4)
    trained(trainer("broken", **sections), 2)
    resumed = trainer("broken", **sections)
    assert resumed.epochs_done == 2
    trained(resumed, 2)
    assert same(resumed, whole)
    assert rate_of(resumed) == rate_of(whole)
    assert log_of(tmp_path / "broken") == log_of(tmp_path / "whole")
    assert resumed.restore_best() == whole.restore_best()
    assert same(resumed, whole)


def test_an_epoch_teaches_something(trainer):
    made = trainer()
    before = {name: tensor.clone() for name, tensor in states(made).items()}
    trained(made, 1)
    changed = [name for name, tensor in states(made).items() if not torch.equal(tensor, before[name])]
    assert {name for name, _ in made.network.named_parameters()} <= {*changed}


def test_two_runs_of_one_seed_are_the_same_and_of_another_are_not(trainer):
    one, again, other = (trained(trainer(name, seed=seed), 1) for name, seed in (("1", 5), ("2", 5), ("3", 6)))
    assert same(one, again)
    assert not same(one, other)


def test_the_run_of_another_configuration_or_other_data_is_refused(begun, trainer, material):
    for sections in (
        {"seed": 1},
        {"network": {"width": 0.2}},
        {"objective": {"triplet": 1.0, "margin": 0.2}},
        {"material": replace(material, train=material.train.take(np.arange(20)))},
    ):
        with pytest.raises(TrainingInterrupted, match="holds a run of another model, objective or data"):
            trainer(**sections)
    assert trainer().epochs_done == begun.epochs_done == 1


def test_other_settings_of_the_optimiser_hold_from_where_the_run_stands(begun, trainer):
    slower = trainer(optimiser={"learning_rate": 0.0001, "warm_up": 0, "weight_decay": 0.5})
    assert slower.epochs_done == 1
    assert same(slower, begun)
    assert rate_of(slower) == 0.0001
    assert slower._optimiser.param_groups[0]["weight_decay"] == 0.5
    trained(slower, 1)
    again = trainer(optimiser={"learning_rate": 0.0001, "warm_up": 0, "weight_decay": 0.5})
    assert rate_of(again) == 0.0001
    assert again.epochs_done == 2


def test_another_schedule_can_take_over(begun, trainer):
    made = trainer(optimiser={"schedule": "cosine", "warm_up": 2})
    rates = []
    for _ in range(3):
        trained(made, 1)
        rates.append(rate_of(made))
    assert made.finished
    assert rates[0] > 1e-4
    assert rates[-1] < 1e-8


def test_more_epochs_of_a_cosine_learn_at_a_rate_that_falls_again(trainer):
    assert trained(trainer(optimiser={"schedule": "cosine", "warm_up": 0}, epochs=1), 1).finished
    longer = trainer(optimiser={"schedule": "cosine", "warm_up": 0}, epochs=2)
    assert not longer.finished
    assert rate_of(longer) == pytest.approx(1e-3)
    trained(longer, 1)
    assert rate_of(longer) == pytest.approx(0, abs=1e-9)


def test_the_rate_rises_over_the_warm_up_and_falls_along_the_cosine(trainer):
    made = trainer(
        optimiser={"schedule": "cosine", "warm_up": 4, "learning_rate": 0.01},
        batch={"tracks": 4, "segments": 2, "per_epoch": 10},
        epochs=2,
    )
    rates = []
    for _ in range(20):
        made._optimiser.step()
        for schedule in made._by_batch:
            schedule.step()
        rates.append(rate_of(made))
    assert np.argmax(rates) == 3
    assert (np.diff(rates[:4]) > 0).all()
    assert (np.diff(rates[3:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_on_a_plateau_the_rate_falls_by_fives_to_its_lowest(trainer):
    made = trainer(optimiser={"learning_rate": 1e-5, "patience": 2, "lowest": 1e-10, "warm_up": 0})
    made._plateau.step(0.4)
    rates = []
    for _ in range(30):
        made._plateau.step(0.4)
        rates.append(rate_of(made))
    assert rates[:6] == pytest.approx([1e-5, 1e-5, 2e-6, 2e-6, 2e-6, 4e-7])
    assert rates[-1] == pytest.approx(1e-10)


def test_training_ends_when_the_error_has_not_fallen_for_long_enough(trainer):
    sections = {"optimiser": {"learning_rate": 1e-30, "stop_after": 2, "warm_up": 0}, "epochs": 50}
    made = trainer(**sections)
    epochs = 0
    while not made.finished:
        trained(made, 1)
        epochs += 1
        assert epochs < 10
    assert made.epochs_done - made._state.best_epoch == 2
    assert trainer(**sections).finished


def test_the_best_epoch_comes_back_and_not_the_last(begun, tmp_path):
    made = begun
    best = {name: tensor.clone() for name, tensor in states(made).items()}
    made._state.best_error = 0.0  # no later epoch can be better
    checkpoint = tmp_path / "run" / BEST
    before = checkpoint.read_bytes()
    trained(made, 1)
    assert checkpoint.read_bytes() == before
    assert made.restore_best() == 1
    assert all(torch.equal(tensor, best[name]) for name, tensor in states(made).items())


def test_a_truncated_checkpoint_is_refused_in_plain_words(begun, trainer, tmp_path):
    last = tmp_path / "run" / LAST
    last.write_bytes(last.read_bytes()[:-500])
    with pytest.raises(TrainingInterrupted, match=r"last\.pt cannot be read .*Remove last\.pt to begin anew"):
        trainer()
    last.unlink()
    assert trainer().epochs_done == 0


def kept(trainer, tmp_path):
    return load(CsnCheckpoint, tmp_path / "run" / LAST, trainer._identity)


def test_a_loss_that_is_no_number_ends_the_run_with_the_state_before_it(begun, trainer, tmp_path):
    made = begun
    before = {name: tensor.clone() for name, tensor in states(made).items()}
    with torch.no_grad():
        made.network.head.weight[0, 0] = float("nan")
    with pytest.raises(TrainingInterrupted, match=r"Epoch 2: the loss or .* in batch 1\. .*learning_rate=0\.0002"):
        made.train_epoch(nothing)
    assert kept(made, tmp_path).epoch == 1
    resumed = trainer()
    assert all(torch.equal(tensor, before[name]) for name, tensor in states(resumed).items())
    trained(resumed, 1)


def test_embeddings_that_are_no_numbers_are_noticed_though_no_triplet_can_be_mined_of_them(trainer):
    made = trainer(objective={"triplet": 1.0})
    with torch.no_grad():
        made.network.head.weight[0, 0] = float("inf")
    with pytest.raises(TrainingInterrupted, match="Epoch 1: the loss or an embedding is no number in batch 1"):
        made.train_epoch(nothing)


def test_weights_that_go_astray_in_the_last_batch_are_noticed_before_they_are_kept(begun, trainer, tmp_path):
    made = trainer(optimiser={"learning_rate": 1e30, "warm_up": 0})
    with pytest.raises(TrainingInterrupted, match="Epoch 2: some embeddings of validation tracks are no numbers"):
        made.train_epoch(nothing)
    found = kept(made, tmp_path)
    assert found.epoch == 1
    assert all(tensor.isfinite().all() for tensor in found.network.values())


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried"),
        MemoryError(),
    ],
    ids=["gpu", "cpu", "python"],
)
def test_too_little_memory_is_told_with_what_to_do(begun, tmp_path, error):
    made = begun

    def fail(*_):
        raise error

    handle = made.network.register_forward_pre_hook(fail)
    with pytest.raises(TrainingInterrupted, match=r"4 tracks of 2 segments .* --set batch\.tracks=4, in another"):
        made.train_epoch(nothing)
    assert kept(made, tmp_path).epoch == 1
    handle.remove()
    assert made.judge()


def test_memory_that_is_really_not_there_is_told(trainer):
    made = trainer()
    made.network.register_forward_pre_hook(lambda *_: torch.empty(1 << 60))
    with pytest.raises(TrainingInterrupted, match="Memory is too small"):
        made.train_epoch(nothing)


def test_other_faults_are_not_taken_for_a_lack_of_memory(trainer):
    made = trainer()
    made.network.register_forward_pre_hook(lambda *_: torch.zeros(2) + torch.zeros(3))
    with pytest.raises(RuntimeError, match="must match the size"):
        made.train_epoch(nothing)


def test_damaged_features_end_the_epoch_with_the_state_before_it(make, trainer, tmp_path):
    material = make.material(tmp_path / "own cache", make.config())
    made = trained(trainer(material=material), 1)
    for entry in material.train.entries:
        (tmp_path / "own cache" / f"{entry}.safetensors").write_bytes(b"")
    with pytest.raises(TrainingInterrupted, match="same command makes them anew"):
        made.train_epoch(nothing)
    assert kept(made, tmp_path).epoch == 1


def test_without_room_for_the_checkpoint_the_epoch_before_stays(no_room, begun, trainer, tmp_path):
    size = (tmp_path / "run" / LAST).stat().st_size
    with no_room(size // 2), pytest.raises(TrainingInterrupted, match="cannot be written"):
        begun.train_epoch(nothing)
    assert trainer().epochs_done == 1


def test_a_run_killed_before_its_checkpoint_does_the_epoch_again(begun, trainer, tmp_path):
    last = tmp_path / "run" / LAST
    before = last.read_bytes()
    trained(begun, 1)
    last.write_bytes(before)
    resumed = trainer()
    assert resumed.epochs_done == 1
    trained(resumed, 1)
    assert same(resumed, begun)
    assert [row["epoch"] for row in log_of(tmp_path / "run")] == ["1", "2"]


def test_an_epoch_is_told_batch_by_batch_and_written_down(trainer, tmp_path):
    made = trainer(batch={"tracks": 4, "segments": 2, "per_epoch": 3}, objective={"triplet": 1.0, "track": 0.5})
    told = []
    record = made.train_epoch(lambda batches, losses: told.append((batches, losses)))
    assert [batches for batches, _ in told] == [1, 2, 3]
    assert told[-1][1] == pytest.approx(dict(record.losses))
    assert record.losses.keys() == {TOTAL, "track", *made.config.network.spaces}
    assert record.error == pytest.approx(1 - np.mean(list(record.accuracies.values())))
    assert (tmp_path / "run" / CURVES).read_bytes().startswith(b"\x89PNG")
    (row,) = log_of(tmp_path / "run")
    assert float(row["error"]) == pytest.approx(record.error, abs=1e-4)


def test_judging_leaves_the_network_as_it_is_and_depends_on_nothing_else(begun):
    made = begun
    before = {name: tensor.clone() for name, tensor in states(made).items()}
    first, again = made.judge(), made.judge()
    assert first == again
    assert all(torch.equal(tensor, before[name]) for name, tensor in states(made).items())


def test_bfloat16_is_taken_only_where_it_is_asked_for_or_a_gain(trainer):
    assert computes_bfloat16(CPU) in {True, False}
    for precision, expected in (("bfloat16", True), ("float32", False), ("auto", computes_bfloat16(CPU))):
        made = trainer(precision, optimiser={"precision": precision})
        assert made._takes_bfloat16() == expected


def test_in_bfloat16_a_run_learns_and_keeps_its_weights_in_float32(trainer):
    made = trained(trainer(optimiser={"precision": "bfloat16", "warm_up": 0}), 1)
    assert {parameter.dtype for parameter in made.network.parameters()} == {torch.float32}
    found = made.network(example_inputs(made.config.network))
    assert found.isfinite().all()


def test_a_run_on_one_domain_of_two_that_cannot_be_judged_goes_by_the_other(make, trainer, material):
    corpus = material.validation
    domains = np.where(np.arange(len(corpus)) < 1, 1, 0)
    two = replace(corpus, domain_names=("made up", "one track"), domains=domains)
    made = trainer(material=Material(material.train, two, material.cache, material.domains))
    assert {name.rpartition(" ")[0] for name in made.judge()} == {"made up"}
