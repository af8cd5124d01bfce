"""The training loop of networks: batches, epochs, checkpoints; what goes wrong ends in a state to go on from."""

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import torch

from models.errors import TrainingInterrupted
from models.runs.ahead import made_ahead
from models.runs.checkpoint import BEST, LAST, load, save
from models.runs.device import is_about_memory
from models.runs.epoch_record import EpochRecord
from models.runs.half_tensors import round_to_half
from models.runs.lesson import Lesson
from models.runs.network_checkpoint import NetworkCheckpoint
from models.runs.pace import Pace
from models.runs.run_log import RunLog

OnBatch = Callable[[int, float], None]

Batch = TypeVar("Batch")


class NetworkTrainer(Generic[Batch]):
    """A run in its folder; it goes on from the last checkpoint there, if there is one, and else begins.

    Everything drawn depends on the seed, the epoch and the batch alone, so that a run that was interrupted learns
    the same as one that was not.

    Args:
        lesson: What is learnt.
        pace: How fast.
        seed: Of what is drawn on the way through the network, such as dropout.
        folder: Of the run.
        table: Of the configuration in which the pace stands, with a point behind it, such as ``prediction.``.

    Raises:
        TrainingInterrupted: The folder's checkpoint is damaged or of another run, or features are gone.
    """

    def __init__(self, lesson: Lesson[Batch], pace: Pace, seed: int, folder: Path, table: str = "") -> None:
        self.lesson = lesson
        self._pace = pace
        self._seed = seed
        self._folder = folder
        self._table = table
        self._parameters = list(lesson.modules.parameters())
        self._optimiser = torch.optim.Adam(self._parameters, pace.learning_rate, weight_decay=pace.weight_decay)
        folder.mkdir(parents=True, exist_ok=True)
        self._state = self._resumed() if (folder / LAST).exists() else self._begun()
        self._log = RunLog(folder, self._state.epoch, lesson.panels)

    @property
    def epochs_done(self) -> int:
        """Also those before an interruption."""
        return self._state.epoch

    @property
    def finished(self) -> bool:
        """Whether there is no epoch left."""
        return self._state.epoch >= self._pace.epochs

    def train_epoch(self, on_batch: OnBatch) -> EpochRecord:
        """Learn for an epoch, judge, and write down where the run stands.

        Args:
            on_batch: Told how many batches are done, and the mean of their losses.

        Raises:
            TrainingInterrupted: Memory was too small, a loss was no number, or features were damaged; the run can
                go on from the epoch before.
        """
        started = time.monotonic()
        number = self._state.epoch + 1
        with self._clear_about_memory():
            loss = self._learn(number, on_batch)
            figures = self.judge()
        record = EpochRecord(
            epoch=number,
            seconds=time.monotonic() - started,
            rate=self._rate(number, self.lesson.batches_per_epoch),
            loss=loss,
            figures=figures,
        )
        self._keep(record)
        return record

    @torch.inference_mode()
    def judge(self) -> Mapping[str, float]:
        """Figures on the validation tracks, by their columns of the log.

        Raises:
            TrainingInterrupted: What is gone by is no number, or features were damaged.
        """
        self.lesson.modules.eval()
        figures = self.lesson.judge()
        if not math.isfinite(self.lesson.error(figures)):
            raise self._diverged("the loss on validation songs is no number")
        return figures

    def restore_best(self) -> int:
        """Go back to the epoch with the least error, in half precision, and return its number.

        Rounded first, so that what is reported afterwards is measured on what an artifact holds.
        """
        best = load(NetworkCheckpoint, self._folder / BEST, self.lesson.identity)
        self.lesson.modules.load_state_dict(best.modules)
        round_to_half(self.lesson.modules)
        return best.epoch

    def _begun(self) -> NetworkCheckpoint:
        self.lesson.begin()
        return NetworkCheckpoint(self.lesson.identity)

    def _resumed(self) -> NetworkCheckpoint:
        state = load(NetworkCheckpoint, self._folder / LAST, self.lesson.identity)
        self.lesson.modules.load_state_dict(state.modules)
        self._optimiser.load_state_dict(state.optimiser)
        return state

    def _learn(self, epoch: int, on_batch: OnBatch) -> float:
        self.lesson.modules.train()
        count, total = self.lesson.batches_per_epoch, 0.0
        for number, batch in enumerate(made_ahead(partial(self.lesson.batch, epoch), range(count))):
            total += self._step(batch, epoch, number)
            on_batch(number + 1, total / (number + 1))
        return total / count

    def _step(self, batch: Batch, epoch: int, number: int) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate(epoch, number)
        dropout = np.random.default_rng((self._seed, epoch, number, 1))
        torch.manual_seed(int(dropout.integers(1 << 62)))
        loss = self.lesson.loss(batch)
        value = float(loss.item())
        if not math.isfinite(value):
            raise self._diverged(f"the loss is no number in batch {number + 1}")
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._pace.clip:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._pace.clip)
        self._optimiser.step()
        return value

    def _rate(self, epoch: int, number: int) -> float:
        count = self.lesson.batches_per_epoch
        return self._pace.rate((epoch - 1) * count + number, count)

    def _keep(self, record: EpochRecord) -> None:
        state = self._state
        state.epoch = record.epoch
        state.modules = self.lesson.modules.state_dict()
        state.optimiser = self._optimiser.state_dict()
        error = self.lesson.error(record.figures)
        if error < state.best_error:
            state.best_error = error
            save(state, self._folder / BEST)
        self._log.append(record.row())
        save(state, self._folder / LAST)

    def _diverged(self, what: str) -> TrainingInterrupted:
        return TrainingInterrupted(
            f"Epoch {self._state.epoch + 1}: {what}. The state before it is kept: go on from it with a lower rate, "
            f"such as --set {self._table}learning_rate={self._pace.learning_rate / 5:g}."
        )

    @contextmanager
    def _clear_about_memory(self) -> Iterator[None]:
        """Say what to do when memory is too small, on a GPU or not."""
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            if not is_about_memory(error):
                raise
            raise TrainingInterrupted(self.lesson.less_memory) from error
