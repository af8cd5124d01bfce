"""The training loop: batches, epochs, checkpoints; whatever goes wrong ends in a state to go on from."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, ReduceLROnPlateau

from models.artifact import Artifact
from models.channels_last import channels_last
from models.csn.network import CsnNetwork
from models.csn.segment_inputs import network_inputs
from models.csn.track_features import Segments
from models.csn.training.batch import Batch, draw_batch
from models.csn.training.checkpoint import CsnCheckpoint
from models.csn.training.config import TrainingConfig
from models.csn.training.epoch_record import PANELS, EpochRecord
from models.csn.training.initial import begin_from
from models.csn.training.material import Material
from models.csn.training.objective import Objective
from models.csn.training.sampler import Sampler
from models.csn.training.validation import accuracies, track_embeddings
from models.errors import TrainingInterrupted
from models.runs.ahead import made_ahead
from models.runs.checkpoint import BEST, LAST, load, save
from models.runs.device import is_about_memory, takes_bfloat16
from models.runs.run_log import RunLog

TOTAL = "total"

OnBatch = Callable[[int, dict[str, float]], None]


class Trainer:
    """A run in its folder; it goes on from the last checkpoint there, if there is one, and else begins.

    Everything drawn depends on the seed, the epoch and the batch alone, so that a run that was interrupted learns
    the same as one that was not. With other settings of the optimiser its rate begins anew.

    Args:
        config: Of the run.
        material: What is learnt from.
        folder: Of the run.
        device: To learn on.
        initial: Whose network it begins with; from nothing without one.

    Raises:
        TrainingInterrupted: The folder's checkpoint is damaged or of another run.
        TrainingImpossible: It cannot begin from this artifact.
    """

    def __init__(
        self,
        config: TrainingConfig,
        material: Material,
        folder: Path,
        device: torch.device,
        initial: Artifact | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self._material = material
        self._folder = folder
        self._device = device
        self._identity = material.identity(config) + (f" from {initial.manifest.digest}" if initial else "")
        self.network = channels_last(CsnNetwork(config.network)).to(device)
        self.objective = Objective(config.objective, config.network, material.train).to(device)
        if initial:
            begin_from(initial, self.network, self.objective, material.train)
        parameters = [*self.network.parameters(), *self.objective.parameters()]
        settings = config.optimiser
        self._optimiser = torch.optim.AdamW(parameters, settings.learning_rate, weight_decay=settings.weight_decay)
        self._sampler = Sampler(material.train, config)
        folder.mkdir(parents=True, exist_ok=True)
        there = (folder / LAST).exists()
        self._state = load(CsnCheckpoint, folder / LAST, self._identity) if there else CsnCheckpoint(self._identity)
        same_pace = self._state.pace in {"", _pace(config)}
        self._by_batch = _by_batch(self._optimiser, config, 0 if same_pace else self._state.epoch)
        self._plateau = ReduceLROnPlateau(
            self._optimiser, factor=settings.factor, patience=settings.patience, min_lr=settings.lowest, eps=0
        )
        if there:
            self._resume(same_pace=same_pace)
        self._log = RunLog(folder, self._state.epoch, PANELS)

    @property
    def epochs_done(self) -> int:
        """Also those before an interruption."""
        return self._state.epoch

    @property
    def finished(self) -> bool:
        """Whether there is no epoch left, or the validation error has not fallen for long enough."""
        patience = self.config.optimiser.stop_after
        waited = self._state.epoch - self._state.best_epoch
        return self._state.epoch >= self.config.epochs or (0 < patience <= waited)

    def train_epoch(self, on_batch: OnBatch) -> EpochRecord:
        """Learn for an epoch, judge, and write down where the run stands.

        Raises:
            TrainingInterrupted: Memory was too small, the loss was no number, or features were damaged; the run can
                go on from the epoch before.
        """
        started = time.monotonic()
        number = self._state.epoch + 1
        with _clear_about_memory(self.config):
            losses = self._learn(number, on_batch)
            found = self.judge()
        error = 1 - float(np.mean(list(found.values())))
        if self.config.optimiser.schedule == "plateau":
            self._plateau.step(error)
        record = EpochRecord(
            epoch=number,
            seconds=time.monotonic() - started,
            learning_rate=self._optimiser.param_groups[0]["lr"],
            losses=losses,
            accuracies=found,
            error=error,
        )
        self._keep(record)
        return record

    def judge(self) -> dict[str, float]:
        """Triplet accuracy on the validation tracks, by ``domain dimension``.

        Raises:
            TrainingInterrupted: An embedding is no number, or features were damaged.
        """
        corpus = self._material.validation
        embeddings = track_embeddings(corpus, self._material.cache, self.config, self.embed)
        if not np.isfinite(embeddings).all():
            raise self._diverged("some embeddings of validation tracks are no numbers")
        return accuracies(corpus, embeddings, self.config.network.slices())

    @torch.inference_mode()
    def embed(self, segments: Segments) -> Tensor:
        """S segments → (S, E) as the trained network gives them."""
        self.network.eval()
        return self._forward(segments)

    def restore_best(self) -> int:
        """Go back to the epoch with the lowest validation error, and return its number."""
        best = load(CsnCheckpoint, self._folder / BEST, self._identity)
        self.network.load_state_dict(best.network)
        self.objective.load_state_dict(best.objective)
        return best.epoch

    def _learn(self, epoch: int, on_batch: OnBatch) -> dict[str, float]:
        self.network.train()
        sums: defaultdict[str, float] = defaultdict(float)
        for number, batch in enumerate(self._batches(epoch)):
            for name, loss in self._step(batch, epoch, number).items():
                sums[name] += loss
            on_batch(number + 1, {name: total / (number + 1) for name, total in sums.items()})
        return {name: total / self.config.batch.per_epoch for name, total in sums.items()}

    def _batches(self, epoch: int) -> Iterator[Batch]:
        """The batches of an epoch, some of them made ready ahead."""
        return made_ahead(partial(self._batch, epoch), range(self.config.batch.per_epoch))

    def _batch(self, epoch: int, number: int) -> Batch:
        generator = np.random.default_rng((self.config.seed, epoch, number))
        rows = self._sampler.draw(generator)
        return draw_batch(self._material.train, rows, self._material.cache, self.config, generator)

    def _step(self, batch: Batch, epoch: int, number: int) -> dict[str, float]:
        seed = int(np.random.default_rng((self.config.seed, epoch, number, 1)).integers(1 << 62))
        generator = torch.Generator().manual_seed(seed)
        embeddings = self._forward(batch.segments).float()
        tracks = embeddings.view(len(batch.corpus), -1, embeddings.shape[1])
        losses = self.objective(tracks, batch, generator)
        total = losses.total.item()
        if not (np.isfinite(total) and embeddings.isfinite().all()):  # no triplet is mined where all is no number
            raise self._diverged(f"the loss or an embedding is no number in batch {number + 1}")
        self._optimiser.zero_grad(set_to_none=True)
        losses.total.backward()
        self._optimiser.step()
        for schedule in self._by_batch:
            schedule.step()
        return {TOTAL: total, **losses.parts}

    def _diverged(self, what: str) -> TrainingInterrupted:
        rate = self.config.optimiser.learning_rate / 5
        return TrainingInterrupted(
            f"Epoch {self._state.epoch + 1}: {what}. The state before it is kept: go on from it with a lower rate, "
            f"such as --set optimiser.learning_rate={rate:g}."
        )

    def _forward(self, segments: Segments) -> Tensor:
        moved = Segments(*(part.to(self._device) for part in (segments.mel, segments.onset, segments.cens)))
        inputs = network_inputs(moved, self.config.network)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._takes_bfloat16()):
            embeddings: Tensor = self.network(inputs)
        return embeddings

    def _takes_bfloat16(self) -> bool:
        return takes_bfloat16(self.config.optimiser.precision, self._device)

    def _keep(self, record: EpochRecord) -> None:
        state = self._state
        state.epoch = record.epoch
        state.network, state.objective = self.network.state_dict(), self.objective.state_dict()
        state.optimiser = self._optimiser.state_dict()
        state.pace = _pace(self.config)
        state.schedules = [schedule.state_dict() for schedule in (*self._by_batch, self._plateau)]
        if record.error < state.best_error:
            state.best_error, state.best_epoch = record.error, record.epoch
            save(state, self._folder / BEST)
        self._log.append(record.row())
        save(state, self._folder / LAST)

    def _resume(self, *, same_pace: bool) -> None:
        """Go on from the state; at another pace with the moments of the gradients, but a rate that begins anew."""
        state = self._state
        self.network.load_state_dict(state.network)
        self.objective.load_state_dict(state.objective)
        groups = (state.optimiser if same_pace else self._optimiser.state_dict())["param_groups"]
        self._optimiser.load_state_dict(state.optimiser | {"param_groups": groups})
        if same_pace:
            for schedule, found in zip((*self._by_batch, self._plateau), state.schedules, strict=True):
                schedule.load_state_dict(found)


@contextmanager
def _clear_about_memory(config: TrainingConfig) -> Iterator[None]:
    """Say what to do when memory is too small, on a GPU or not."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_about_memory(error):
            raise
        batch = config.batch
        raise TrainingInterrupted(
            f"Memory is too small for {batch.tracks} tracks of {batch.segments} segments in a batch. Take less, "
            f"such as --set batch.tracks={max(4, batch.tracks // 4 * 2)}, in another folder."
        ) from error


def _by_batch(optimiser: torch.optim.Optimizer, config: TrainingConfig, epochs_done: int) -> list[LRScheduler]:
    settings = config.optimiser
    schedules: list[LRScheduler] = []
    if settings.warm_up:
        schedules.append(LinearLR(optimiser, start_factor=0.01, total_iters=settings.warm_up))
    if settings.schedule == "cosine":
        left = max(1, config.epochs - epochs_done)
        schedules.append(CosineAnnealingLR(optimiser, left * config.batch.per_epoch))
    return schedules


def _pace(config: TrainingConfig) -> str:
    """All that the rate depends on."""
    settings = config.optimiser
    pace = settings.model_dump_json(exclude={"stop_after", "precision"})
    return f"{pace} {config.epochs}" if settings.schedule == "cosine" else pace
