"""The WaveNet of paper 004 (section 4.3): stacks, pooled skips side by side, and an end of fixed size.

Axis letters: B signals, L elements of a signal, W numbers in an element, P elements of a step, S steps (L / P),
R reduced channels, E dimensions of an embedding.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.wavenet.layer import DilatedConvolution, WavenetLayer
from models.wavenet.settings import WavenetSettings

_ADAPTIVE: dict[str, Callable[[Tensor, int], Tensor]] = {
    "max": functional.adaptive_max_pool1d,
    "mean": functional.adaptive_avg_pool1d,
}


class WavenetStacks(nn.Module):
    """N stacks of k layers: what is trained to predict, and kept for similarity."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, settings: WavenetSettings) -> None:
        super().__init__()
        self._settings = settings
        self.register_buffer("mean", torch.zeros(settings.width))
        self.register_buffer("deviation", torch.ones(settings.width))
        self.enter = nn.Conv2d(settings.width, settings.channels, 1)
        count = settings.stacks * settings.layers
        self.layers = nn.ModuleList(
            WavenetLayer(settings, dilation, last=number + 1 == count)
            for number, dilation in enumerate(settings.dilations * settings.stacks)
        )

    def standardise_by(self, mean: Tensor, deviation: Tensor) -> None:
        """Take (W,) mean and deviation of each number over the training corpus; a constant one is not scaled."""
        self.mean.copy_(mean)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1))

    def standardised(self, signal: Tensor) -> Tensor:
        """(B, L, W) → (B, W, 1, L), channels last in memory."""
        scores = (signal - self.mean) / self.deviation
        return scores[:, None].permute(0, 3, 1, 2)

    def pooled(self, signal: Tensor) -> Tensor:
        """(B, W, 1, L) standard scores, L a multiple of P → (B, N · k · skip channels, 1, S)."""
        return self._run(signal, self._pool)

    def unpooled(self, signal: Tensor) -> Tensor:
        """The same without any pooling, as the WaveNet that predicts: (B, W, 1, L) → (B, …, 1, L)."""
        return self._run(signal, lambda part: part)

    def _run(self, signal: Tensor, pool: Callable[[Tensor], Tensor]) -> Tensor:
        running, skips = self.enter(signal), []
        for number, layer in enumerate(self.layers, 1):
            skip, running = layer(running)
            skips.append(skip)
            if number % self._settings.layers == 0:
                skips = [pool(part) for part in skips]
                running = pool(running)
        return torch.cat(skips, 1)

    def _pool(self, part: Tensor) -> Tensor:
        pool = functional.max_pool2d if self._settings.pooling == "max" else functional.avg_pool2d
        return pool(part, (1, self._settings.pool))


class WavenetEnd(nn.Module):
    """Pooling to a fixed size and what follows it: from the steps of a piece of any length to its embedding."""

    def __init__(self, settings: WavenetSettings) -> None:
        super().__init__()
        self._pool = _ADAPTIVE[settings.final_pooling]
        self._parts = settings.parts
        width = settings.parts * settings.reduced_channels
        self.scale = nn.BatchNorm1d(width, affine=False) if settings.standardised else nn.Identity()
        self.connected = nn.Sequential(*_connected(settings))

    def forward(self, steps: Tensor) -> Tensor:
        """(B, S, R) steps, S ≥ 1 → (B, E)."""
        parts = self._pool(steps.transpose(1, 2), self._parts).flatten(1)
        return cast("Tensor", self.connected(self.scale(parts)))


class WavenetNetwork(nn.Module):
    """Signals → steps → embeddings."""

    def __init__(self, settings: WavenetSettings) -> None:
        super().__init__()
        self.settings = settings
        self.stacks = WavenetStacks(settings)
        skips = settings.stacks * settings.layers * settings.skip_channels
        self.reduction = DilatedConvolution(
            (skips, settings.reduced_channels), settings.reduced_filter, 1, causal=settings.padding == "causal"
        )
        self.end = WavenetEnd(settings)

    def steps(self, signal: Tensor) -> Tensor:
        """(B, L, W), L a multiple of P → (B, S, R), not negative."""
        skips = self.stacks.pooled(self.stacks.standardised(signal))
        return cast("Tensor", self.reduction(skips.relu()).relu()[:, :, 0].transpose(1, 2))

    def forward(self, signal: Tensor) -> Tensor:
        """(B, L, W), L a multiple of P → (B, E)."""
        return cast("Tensor", self.end(self.steps(signal)))


def _connected(settings: WavenetSettings) -> list[nn.Module]:
    width, layers = settings.parts * settings.reduced_channels, list[nn.Module]()
    for number, wider in enumerate(settings.connected, 1):
        layers += [nn.Dropout(settings.dropout), nn.Linear(width, wider)]
        if number < len(settings.connected):
            layers.append(nn.ReLU())
        width = wider
    return layers
