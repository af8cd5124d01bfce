"""The network of CLMR: SampleCNN on samples (Lee et al. 2017; Spijkervet and Burgoyne 2021; paper 000's variant).

Axis letters: B blocks, L samples of a block, E dimensions of an embedding.
"""

from collections.abc import Iterator
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from models.baselines.encoder import EncoderSettings

STEP = 3
"""Kernel of every convolution, and by how much every layer but the last shortens its input."""

STAGES = 10
BLOCK_SAMPLES = STEP**STAGES
"""59 049, 2.68 s: after ten layers one place is left."""


class ClmrSettings(EncoderSettings):
    """Of the network.

    Attributes:
        channels: Of the strided convolution and of the nine behind it, each followed by a maximum over three.
        dimension: E: channels of the last convolution, on the one place that is left.
    """

    channels: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=STAGES, max_length=STAGES)] = (
        128,
        128,
        128,
        256,
        256,
        256,
        256,
        256,
        256,
        256,
    )
    dimension: Annotated[int, Field(ge=1)] = 256


class ClmrNetwork(nn.Module):
    """Samples → embeddings. Its convolutions see images of one row, which CPUs are faster at than at sequences."""

    def __init__(self, settings: ClmrSettings) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layers(settings))

    def forward(self, blocks: Tensor) -> Tensor:
        """(B, L) samples → (B, E)."""
        rows = blocks[:, None, None].contiguous(memory_format=torch.channels_last)
        return cast("Tensor", self.layers(rows)).flatten(1)


def _layers(settings: ClmrSettings) -> Iterator[nn.Module]:
    first, *others = settings.channels
    yield from _unit(1, first, stride=STEP, padding=0)
    channels = first
    for wider in others:
        yield from _unit(channels, wider, stride=1, padding=STEP // 2)
        yield nn.MaxPool2d((1, STEP))
        channels = wider
    yield from _unit(channels, settings.dimension, stride=1, padding=STEP // 2)


def _unit(channels: int, wider: int, *, stride: int, padding: int) -> Iterator[nn.Module]:
    yield nn.Conv2d(channels, wider, (1, STEP), (1, stride), (0, padding))
    yield nn.BatchNorm2d(wider)
    yield nn.ReLU()
