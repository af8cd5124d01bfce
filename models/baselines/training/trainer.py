"""The training loop of the networks: pairs of crops, epochs, checkpoints."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor

from models.baselines.block_encoder import channels_last
from models.baselines.training.checkpoint import PairCheckpoint
from models.baselines.training.config import NetworkConfig
from models.baselines.training.crops import random_pairs
from models.baselines.training.epoch_record import PANELS, EpochRecord
from models.baselines.training.tasks import Task
from models.errors import TrainingInterrupted
from models.runs.ahead import made_ahead
from models.runs.checkpoint import BEST, LAST, load, save
from models.runs.device import is_about_memory, takes_bfloat16
from models.runs.run_log import RunLog
from models.runs.tensor_cache import TensorCache
from models.runs.tracks import Tracks

PACE = {"epochs", "learning_rate", "schedule", "precision"}
"""What may change on the way."""

LEAST_RATE = 1e-3
"""Where a cosine ends, relative to where it begins."""

OnBatch = Callable[[int, float], None]


class PairTrainer:
    """A run in its folder; it goes on from the last checkpoint there, if there is one, and else begins.

    Everything drawn depends on the seed, the epoch and the batch alone, so that a run that was interrupted learns
    the same as one that was not.

    Args:
        task: What is learnt.
        config: Of the run.
        tracks: To learn from and to judge by.
        cache: Where their features are.
        folder: Of the run.
        device: To learn on.

    Raises:
        TrainingInterrupted: The folder's checkpoint is damaged or of another run, or features are gone.
    """

    def __init__(  # noqa: PLR0917 - what a run is made of
        self,
        task: Task,
        config: NetworkConfig,
        tracks: Tracks,
        cache: TensorCache,
        folder: Path,
        device: torch.device,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self._blocks = task.encoder.blocks
        self._cache = cache
        self._folder = folder
        self._device = device
        self._train = [track.entry for track in tracks.train]
        self._validation = [track.entry for track in tracks.validation]
        self._identity = _identity(task, config, self._train, self._validation)
        self.network = channels_last(task.network(config)).to(device)
        self.objective = task.objective(config).to(device)
        parameters = [*self.network.parameters(), *self.objective.parameters()]
        self._optimiser = torch.optim.Adam(parameters, config.learning_rate, weight_decay=config.weight_decay)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / LAST).exists():
            self._state = load(PairCheckpoint, folder / LAST, self._identity)
            self._restore(self._state)
            self._optimiser.load_state_dict(self._state.optimiser)
        else:
            self._state = PairCheckpoint(self._identity)
            task.begin(self.network, (cache.read(entry) for entry in self._train))
        self._log = RunLog(folder, self._state.epoch, PANELS)

    @property
    def epochs_done(self) -> int:
        """Also those before an interruption."""
        return self._state.epoch

    @property
    def finished(self) -> bool:
        """Whether there is no epoch left."""
        return self._state.epoch >= self.config.epochs

    @property
    def batches_per_epoch(self) -> int:
        """Each of as many songs as the configuration says, or of all where there are fewer."""
        return self.config.rounds * max(1, len(self._train) // self.config.songs)

    def train_epoch(self, on_batch: OnBatch) -> EpochRecord:
        """Learn for an epoch, judge, and write down where the run stands.

        Raises:
            TrainingInterrupted: Memory was too small, a loss was no number, or features were damaged; the run can
                go on from the epoch before.
        """
        started = time.monotonic()
        number = self._state.epoch + 1
        with _clear_about_memory(self.config):
            loss = self._learn(number, on_batch)
            held_out, found = self.judge()
        record = EpochRecord(
            epoch=number,
            seconds=time.monotonic() - started,
            rate=self._rate(number, self.batches_per_epoch),
            loss=loss,
            held_out=held_out,
            found=found,
        )
        self._keep(record)
        return record

    @torch.inference_mode()
    def judge(self) -> tuple[float, float]:
        """Loss on the validation songs, and the share of their crops that find each other; always the same crops.

        Raises:
            TrainingInterrupted: The loss is no number, or features were damaged.
        """
        self.network.eval()
        self.objective.eval()
        generator = np.random.default_rng(self.config.seed)
        size = self.config.songs
        parts = []
        for first in range(0, len(self._validation), size):
            pairs = random_pairs(self._cache, self._validation[first : first + size], self._blocks, generator)
            parts.append(self._embedded(pairs))
        pairs = torch.cat(parts, 1)
        loss = self.objective(*pairs).item()
        if not math.isfinite(loss):
            raise self._diverged("the loss on validation songs is no number")
        return loss, found_share(*pairs)

    def restore_best(self) -> int:
        """Go back to the epoch with the lowest validation loss, in half precision, and return its number.

        Rounded first, so that what is reported afterwards is measured on what an artifact holds.
        """
        best = load(PairCheckpoint, self._folder / BEST, self._identity)
        self._restore(best)
        self.network.load_state_dict({**self.network.state_dict(), **self.tensors()})
        return best.epoch

    def tensors(self) -> dict[str, Tensor]:
        """Of the network, in half precision, without the counters of its normalisations."""
        state = self.network.state_dict()
        return {name: tensor.half() for name, tensor in state.items() if tensor.is_floating_point()}

    def _learn(self, epoch: int, on_batch: OnBatch) -> float:
        self.network.train()
        self.objective.train()
        total = 0.0
        batches = made_ahead(partial(self._batch, epoch), range(self.batches_per_epoch))
        for number, pairs in enumerate(batches):
            total += self._step(pairs, epoch, number)
            on_batch(number + 1, total / (number + 1))
        return total / self.batches_per_epoch

    def _batch(self, epoch: int, number: int) -> Tensor:
        turn, place = divmod(number, self.batches_per_epoch // self.config.rounds)
        order = np.random.default_rng((self.config.seed, epoch, turn)).permutation(len(self._train))
        rows = order[place * self.config.songs : (place + 1) * self.config.songs]
        generator = np.random.default_rng((self.config.seed, epoch, turn, place))
        return random_pairs(self._cache, [self._train[row] for row in rows], self._blocks, generator)

    def _step(self, pairs: Tensor, epoch: int, number: int) -> float:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate(epoch, number)
        dropout = np.random.default_rng((self.config.seed, epoch, number, 1))
        torch.manual_seed(int(dropout.integers(1 << 62)))
        loss = self.objective(*self._embedded(pairs))
        value = float(loss.item())
        if not math.isfinite(value):
            raise self._diverged(f"the loss is no number in batch {number + 1}")
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        return value

    def _embedded(self, pairs: Tensor) -> Tensor:
        """(2, B, L, …) crops → (2, B, E); normalised over all of them in training."""
        crops = pairs.flatten(0, 1).to(self._device)
        with torch.autocast(
            self._device.type, torch.bfloat16, enabled=takes_bfloat16(self.config.precision, self._device)
        ):
            embeddings = cast("Tensor", self.network(crops))
        return embeddings.float().view(*pairs.shape[:2], -1)

    def _rate(self, epoch: int, number: int) -> float:
        config = self.config
        if config.schedule == "constant":
            return config.learning_rate
        done = (epoch - 1 + number / self.batches_per_epoch) / config.epochs
        return config.learning_rate * max(LEAST_RATE, (1 + math.cos(math.pi * min(1, done))) / 2)

    def _diverged(self, what: str) -> TrainingInterrupted:
        return TrainingInterrupted(
            f"Epoch {self._state.epoch + 1}: {what}. The state before it is kept: go on from it with a lower rate, "
            f"such as --set learning_rate={self.config.learning_rate / 5:g}."
        )

    def _restore(self, state: PairCheckpoint) -> None:
        self.network.load_state_dict(state.network)
        self.objective.load_state_dict(state.objective)

    def _keep(self, record: EpochRecord) -> None:
        state = self._state
        state.epoch = record.epoch
        state.network, state.objective = self.network.state_dict(), self.objective.state_dict()
        state.optimiser = self._optimiser.state_dict()
        if record.held_out < state.best_error:
            state.best_error, state.best_epoch = record.held_out, record.epoch
            save(state, self._folder / BEST)
        self._log.append(record.row())
        save(state, self._folder / LAST)


def found_share(one: Tensor, other: Tensor) -> float:
    """Two (B, E) embeddings of crops → the share of the 2 B crops whose nearest other one is of the same song."""
    crops = torch.nn.functional.normalize(torch.cat([one, other]), dim=1)
    cosines = (crops @ crops.T).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(crops), device=crops.device).roll(len(one))
    return float((cosines.argmax(1) == partners).float().mean())


@contextmanager
def _clear_about_memory(config: NetworkConfig) -> Iterator[None]:
    """Say what to do when memory is too small, on a GPU or not."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_about_memory(error):
            raise
        raise TrainingInterrupted(
            f"Memory is too small for two crops of {config.songs} songs in a batch. Take less, such as "
            f"--set songs={max(2, config.songs // 2)}, in another folder."
        ) from error


def _identity(task: Task, config: NetworkConfig, train: list[str], validation: list[str]) -> str:
    """Of what is learnt from what."""
    stated = config.model_dump_json(exclude=PACE)
    return sha256("\n".join([task.encoder.name, stated, *train, "", *validation]).encode()).hexdigest()
