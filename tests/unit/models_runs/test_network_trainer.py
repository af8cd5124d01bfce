"""Runs of networks, whatever they learn: they go on where they stopped, and keep the best epoch."""

import csv
import math
from types import MappingProxyType

import numpy as np
import pytest
import torch
from torch import nn

from models.errors import TrainingInterrupted
from models.runs.checkpoint import BEST, LAST
from models.runs.network_trainer import NetworkTrainer
from models.runs.pace import Pace
from models.runs.run_log import CURVES, FILE

BATCHES = 5
SEED = 3


class Doubling:
    """To double numbers, by a network with dropout and normalisation."""

    panels = MappingProxyType({"loss ": "loss"})
    batches_per_epoch = BATCHES
    less_memory = "Memory is too small for 8 numbers. Take less, such as --set numbers=4."

    def __init__(self, identity="doubling"):
        torch.manual_seed(0)
        self.identity = identity
        self.modules = nn.Sequential(nn.Linear(1, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))
        self.begun = 0

    def begin(self):
        self.begun += 1

    def batch(self, epoch, number):
        return torch.from_numpy(np.random.default_rng((epoch, number)).normal(size=(8, 1))).float()

    def loss(self, batch):
        return (self.modules(batch) - 2 * batch).square().mean()

    def judge(self):
        assert not self.modules.training
        assert torch.is_inference_mode_enabled()
        return {"loss held out": self.loss(torch.linspace(-1, 1, 9)[:, None]).item(), "numbers": 9.0}

    def error(self, figures):
        return figures["loss held out"]


class Judged(Doubling):
    """Whose errors are what they are told to be."""

    def __init__(self, errors):
        super().__init__()
        self.errors = iter(errors)

    def judge(self):
        return {"loss held out": next(self.errors)}


def nothing(*_):
    pass


def pace(**changes):
    return Pace(**{"epochs": 4, "learning_rate": 1e-2, **changes})


@pytest.fixture
def trainer(tmp_path):
    """Makes trainers, each in its folder."""

    def trainer(lesson=None, folder="run", **changes):
        return NetworkTrainer(lesson or Doubling(), pace(**changes), SEED, tmp_path / folder)

    return trainer


def trained(trainer, epochs):
    return [trainer.train_epoch(nothing) for _ in range(epochs)]


def state(trainer):
    return {name: tensor.clone() for name, tensor in trainer.lesson.modules.state_dict().items()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def log_of(folder):
    with (folder / FILE).open(newline="") as file:
        return [{name: text for name, text in row.items() if name != "seconds"} for row in csv.DictReader(file)]


def rates_of(trainer, monkeypatch, epochs):
    """Of each batch."""
    rates = []
    step = trainer._optimiser.step
    monkeypatch.setattr(
        trainer._optimiser, "step", lambda: (rates.append(trainer._optimiser.param_groups[0]["lr"]), step())
    )
    trained(trainer, epochs)
    return np.array(rates)


def test_learning_lowers_the_error(trainer):
    records = trained(trainer(epochs=20), 20)
    assert records[-1].figures["loss held out"] < 0.5 * records[0].figures["loss held out"]


@pytest.mark.parametrize("changes", [{}, {"schedule": "cosine", "warm_up": 7, "clip": 0.1, "weight_decay": 1e-3}])
def test_a_run_that_was_interrupted_learns_the_same_as_one_that_was_not(trainer, tmp_path, changes):
    whole = trainer(folder="whole", **changes)
    trained(whole, 4)
    trained(trainer(folder="broken", **changes), 2)
    resumed = trainer(folder="broken", **changes)
    assert (resumed.epochs_done, resumed.finished) == (2, False)
    torch.manual_seed(99)
    trained(resumed, 2)
    assert resumed.finished
    assert same(state(resumed), state(whole))
    assert log_of(tmp_path / "broken") == log_of(tmp_path / "whole")
    assert resumed.restore_best() == whole.restore_best()
    assert same(state(resumed), state(whole))


def test_a_run_begins_once(trainer):
    first, second = Doubling(), Doubling()
    trained(trainer(first), 1)
    trainer(second)
    assert (first.begun, second.begun) == (1, 0)


def test_batches_are_told_with_the_mean_of_their_losses(trainer):
    told = []
    record = trainer().train_epoch(lambda number, loss: told.append((number, loss)))
    assert [number for number, _ in told] == list(range(1, BATCHES + 1))
    assert told[-1][1] == record.loss


def test_the_best_epoch_is_that_of_the_least_error(trainer):
    made = trainer(Judged([0.5, 0.25, 0.375, 0.25]))
    states = []
    for _ in range(4):
        made.train_epoch(nothing)
        states.append(state(made))
    assert made.restore_best() == 2
    rounded = {name: tensor.half().to(tensor.dtype) for name, tensor in states[1].items()}
    assert same(state(made), rounded)


def test_the_best_epoch_may_lie_before_an_interruption(trainer):
    trained(trainer(Judged([0.25, 0.5])), 2)
    resumed = trainer(Judged([0.375, 0.75]))
    trained(resumed, 2)
    assert resumed.restore_best() == 1


def test_every_epoch_is_logged_and_drawn(trainer, tmp_path):
    (record,) = trained(trainer(), 1)
    (row,) = log_of(tmp_path / "run")
    assert list(row) == ["epoch", "rate", "loss training", "loss held out", "numbers"]
    assert float(row["loss training"]) == pytest.approx(record.loss, abs=1e-5)
    assert float(row["numbers"]) == 9
    assert (tmp_path / "run" / CURVES).stat().st_size > 5_000
    assert {path.name for path in (tmp_path / "run").iterdir()} == {BEST, LAST, FILE, CURVES}


def test_the_rate_stays_or_falls_along_a_cosine(trainer, monkeypatch):
    assert set(rates_of(trainer(), monkeypatch, 2)) == {1e-2}
    done = np.arange(4 * BATCHES) / (4 * BATCHES)
    falling = rates_of(trainer(folder="falling", schedule="cosine"), monkeypatch, 4)
    np.testing.assert_allclose(falling, 1e-2 * (1 + np.cos(np.pi * done)) / 2)
    assert pace(schedule="cosine").rate(4 * BATCHES, BATCHES) == pytest.approx(1e-5)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_the_rate_rises_along_a_line_to_what_the_schedule_has(trainer, monkeypatch, schedule):
    rates = rates_of(trainer(schedule=schedule, warm_up=8), monkeypatch, 4)
    expected = [pace(schedule=schedule).rate(number, BATCHES) for number in range(4 * BATCHES)]
    rise = np.minimum(1, np.arange(1, 4 * BATCHES + 1) / 8)
    np.testing.assert_allclose(rates, rise * expected)


def test_gradients_are_no_longer_than_the_clip(trainer, monkeypatch):
    norms = {}
    for clip in (0.0, 1e-3):
        made = trainer(folder=f"clip {clip}", clip=clip)
        step = made._optimiser.step

        def measured(made=made, step=step, clip=clip):
            gradients = [parameter.grad.flatten() for parameter in made.lesson.modules.parameters()]
            norms.setdefault(clip, []).append(torch.cat(gradients).norm().item())
            step()

        monkeypatch.setattr(made._optimiser, "step", measured)
        trained(made, 1)
    assert min(norms[0.0]) > 1e-2
    np.testing.assert_allclose(norms[1e-3], 1e-3, rtol=1e-3)


def test_the_pace_may_change_on_the_way_and_what_is_learnt_may_not():
    changed = {"epochs": 9, "learning_rate": 1.0, "schedule": "cosine", "warm_up": 2, "clip": 1.0}
    identity = pace().identity("numbers")
    assert pace(**changed, precision="float32").identity("numbers") == identity
    others = {pace(weight_decay=0.5).identity("numbers"), pace().identity("num", "bers"), identity}
    assert len(others) == 3


def test_another_run_in_the_folder_is_refused(trainer):
    trained(trainer(), 1)
    with pytest.raises(TrainingInterrupted, match="holds a run of another"):
        trainer(Doubling("tripling"))


def test_a_loss_that_is_no_number_ends_the_run_before_it_is_kept(trainer):
    made = trainer()
    trained(made, 1)
    with torch.no_grad():
        made.lesson.modules[0].weight.fill_(torch.nan)
    with pytest.raises(TrainingInterrupted, match=r"Epoch 2: the loss is no number in batch 1\..*_rate=0\.002"):
        made.train_epoch(nothing)
    assert trainer().epochs_done == 1


def test_the_advice_names_the_rate_by_its_place_in_the_configuration(tmp_path):
    made = NetworkTrainer(Doubling(), pace(), SEED, tmp_path, "prediction.")
    with torch.no_grad():
        made.lesson.modules[0].weight.fill_(torch.nan)
    with pytest.raises(TrainingInterrupted, match=r"--set prediction\.learning_rate=0\.002"):
        made.train_epoch(nothing)


def test_an_error_that_is_no_number_ends_the_run_before_it_is_kept(trainer):
    made = trainer(Judged([0.5, math.nan]))
    trained(made, 1)
    with pytest.raises(TrainingInterrupted, match="Epoch 2: the loss on validation songs is no number"):
        made.train_epoch(nothing)
    assert trainer().epochs_done == 1


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
@pytest.mark.parametrize("place", ["batch", "loss", "judge"])
def test_too_little_memory_is_said_with_what_the_lesson_advises(trainer, monkeypatch, error, place):
    made = trainer()

    def full(*_):
        raise error

    monkeypatch.setattr(made.lesson, place, full)
    with pytest.raises(TrainingInterrupted, match=r"too small for 8 numbers\. .* --set numbers=4"):
        made.train_epoch(nothing)


def test_any_other_fault_is_left_as_it_is(trainer, monkeypatch):
    made = trainer()
    monkeypatch.setattr(made.lesson, "loss", lambda batch: batch @ batch)
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        made.train_epoch(nothing)
