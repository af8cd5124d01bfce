"""What KIM and CLMR learn from: pairs of crops of songs."""

from collections.abc import Mapping
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor, nn

from models.baselines.training.config import NetworkConfig
from models.baselines.training.crops import random_pairs
from models.baselines.training.rounds import Rounds
from models.baselines.training.tasks import Task
from models.channels_last import channels_last
from models.runs.device import autocast
from models.runs.epoch_record import LOSS
from models.runs.tensor_cache import TensorCache
from models.runs.tracks import Tracks

HELD_OUT = f"{LOSS}held out"
FOUND = "found held out"


class PairLesson:
    """A ``Lesson`` on two random crops of each song of a batch.

    Args:
        task: What is learnt.
        config: Of the run.
        tracks: To learn from and to judge by.
        cache: Where their features are.
        device: To learn on.
    """

    panels: ClassVar[Mapping[str, str]] = {
        LOSS: "loss",
        "found ": "crops whose nearest other crop is of their song",
    }

    def __init__(
        self, task: Task, config: NetworkConfig, tracks: Tracks, cache: TensorCache, device: torch.device
    ) -> None:
        torch.manual_seed(config.seed)
        self._task = task
        self._config = config
        self._cache = cache
        self._device = device
        train = [track.entry for track in tracks.train]
        self._validation = [track.entry for track in tracks.validation]
        self._rounds = Rounds(train, config.songs, config.rounds, config.seed)
        self.identity = config.identity(task.encoder.name, *train, "", *self._validation)
        self.network = channels_last(task.network(config)).to(device)
        self._objective = task.objective(config).to(device)
        self.modules = nn.ModuleDict({"network": self.network, "objective": self._objective})

    @property
    def batches_per_epoch(self) -> int:
        return self._rounds.batches

    @property
    def less_memory(self) -> str:
        songs = self._config.songs
        return (
            f"Memory is too small for two crops of {songs} songs in a batch. Take less, such as "
            f"--set songs={max(2, songs // 2)}, in another folder."
        )

    def begin(self) -> None:
        self._task.begin(self.network, (self._cache.read(entry) for entry in self._rounds.entries))

    def batch(self, epoch: int, number: int) -> Tensor:
        """(2, B, L, …) two crops of each song, from anywhere in it."""
        return self._pairs(*self._rounds.drawn(epoch, number))

    def loss(self, batch: Tensor) -> Tensor:
        return cast("Tensor", self._objective(*self._embedded(batch)))

    def judge(self) -> Mapping[str, float]:
        """Loss on the validation songs, and the share of their crops that find each other."""
        generator = np.random.default_rng(self._config.seed)
        size = self._config.songs
        batches = [self._validation[first : first + size] for first in range(0, len(self._validation), size)]
        pairs = torch.cat([self._embedded(self._pairs(batch, generator)) for batch in batches], 1)
        return {HELD_OUT: self._objective(*pairs).item(), FOUND: found_share(*pairs)}

    def error(self, figures: Mapping[str, float]) -> float:
        return figures[HELD_OUT]

    def _pairs(self, entries: list[str], generator: np.random.Generator) -> Tensor:
        return random_pairs(self._cache, entries, self._task.encoder.blocks, generator)

    def _embedded(self, pairs: Tensor) -> Tensor:
        """(2, B, L, …) crops → (2, B, E); normalised over all of them in training."""
        crops = pairs.flatten(0, 1).to(self._device)
        with autocast(self._config.precision, self._device):
            embeddings = cast("Tensor", self.network(crops))
        return embeddings.float().view(*pairs.shape[:2], -1)


def found_share(one: Tensor, other: Tensor) -> float:
    """Two (B, E) embeddings of crops → the share of the 2 B crops whose nearest other one is of the same song."""
    crops = torch.nn.functional.normalize(torch.cat([one, other]), dim=1)
    cosines = (crops @ crops.T).fill_diagonal_(-torch.inf)
    partners = torch.arange(len(crops), device=crops.device).roll(len(one))
    return float((cosines.argmax(1) == partners).float().mean())
