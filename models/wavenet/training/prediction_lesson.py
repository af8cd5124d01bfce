"""What the stacks learn first: to predict the next element (paper 004's future work, section 6.2.2)."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from models.channels_last import channels_last
from models.runs.band_statistics import band_statistics
from models.runs.device import autocast
from models.runs.epoch_record import LOSS
from models.runs.tensor_cache import TensorCache
from models.runs.tracks import Tracks
from models.wavenet.training.config import WavenetConfig
from models.wavenet.training.crops import crop_elements, middle_crop, random_crops
from models.wavenet.training.predictor import Predictor, laplace_loss

HELD_OUT = f"{LOSS}held out"
REPEATED = f"{LOSS}of the element before"
"""What one gets who expects each element to be as the one before, with the best scale for each number."""


class PredictionLesson:
    """A ``Lesson`` on crops of all tracks; it needs no labels.

    Args:
        config: Of the run.
        tracks: To learn from and to judge by.
        cache: Where their signals are.
        device: To learn on.
    """

    panels: ClassVar[Mapping[str, str]] = {LOSS: "negative log-likelihood, nats"}

    def __init__(self, config: WavenetConfig, tracks: Tracks, cache: TensorCache, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self._config = config
        self._cache = cache
        self._device = device
        self._train = [track.entry for track in tracks.train]
        self._validation = [track.entry for track in tracks.validation]
        self._length = crop_elements(config.prediction.crop_s, config.network)
        stated = config.network.model_dump_json(), str(config.max_duration_s), str(config.seed)
        self.identity = config.prediction.identity(*stated, *self._train, "", *self._validation)
        self.predictor = Predictor(config.network)
        channels_last(self.predictor).to(device)

    @property
    def modules(self) -> nn.Module:
        return self.predictor

    @property
    def batches_per_epoch(self) -> int:
        return self._config.prediction.per_epoch

    @property
    def less_memory(self) -> str:
        crops = self._config.prediction.crops
        return (
            f"Memory is too small for {crops} crops of {self._config.prediction.crop_s:g} s in a batch. Take less, "
            f"such as --set prediction.crops={max(1, crops // 2)}, in another folder."
        )

    def begin(self) -> None:
        statistics = band_statistics(self._cache.read(entry) for entry in self._train)
        self.predictor.stacks.standardise_by(*statistics)

    def batch(self, epoch: int, number: int) -> Tensor:
        """(B, L, W) crops of as many tracks."""
        generator = np.random.default_rng((self._config.seed, epoch, number))
        entries = [
            self._train[row] for row in generator.integers(len(self._train), size=self._config.prediction.crops)
        ]
        return random_crops(self._cache, entries, self._length, self._filling, generator)

    def loss(self, batch: Tensor) -> Tensor:
        with autocast(self._config.prediction.precision, self._device):
            return self.predictor.loss(batch.to(self._device))

    def judge(self) -> Mapping[str, float]:
        """The loss on the middle of the validation tracks, beside that of repeating what was."""
        crops = [middle_crop(self._cache, entry, self._length, self._filling) for entry in self._validation]
        signals = torch.cat(crops).to(self._device)
        losses = [
            self.loss(part).item() * len(part) for part in torch.split(signals, self._config.prediction.crops)
        ]
        return {HELD_OUT: sum(losses) / len(signals), REPEATED: self._repeated(signals).item()}

    def error(self, figures: Mapping[str, float]) -> float:
        return figures[HELD_OUT]

    @property
    def _filling(self) -> Tensor:
        return self.predictor.stacks.mean.cpu()

    def _repeated(self, signals: Tensor) -> Tensor:
        targets = self.predictor.targets(signals)[:, 1:]
        before = self.predictor.targets(signals)[:, :-1]
        scales = (targets - before).abs().mean((0, 1)).clamp_min(1e-6)
        return laplace_loss(targets, before, scales)
