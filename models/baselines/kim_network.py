"""The network of KIM: VGG-like, on blocks of a mel spectrogram (Kim, Won, Liem and Hanjalic; paper 000's code).

Axis letters: B blocks, L frames of a block, M mel bands, E dimensions of an embedding.
"""

from collections.abc import Iterator
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from models.baselines.encoder import EncoderSettings
from models.baselines.kim_inputs import MEL_BANDS

POOLED = ((16, 5, (2, 1)), (32, 3, 1), (64, 3, 1), (64, 3, 1), (128, 3, 1))
"""Channels, kernel and stride of the convolutions that are followed by a maximum over 2×2."""

UNPOOLED = ((256, 3, 1), (256, 1, 1))


class KimSettings(EncoderSettings):
    """Of network and vectors.

    Attributes:
        dimension: E, of the representation layer.
        dropout: Behind it, in training.
        deviation: Whether a track's vector holds the deviation of its blocks' embeddings beside their mean. The
            released extractor does so (512 numbers); the paper says that all vectors have 256.
    """

    dimension: Annotated[int, Field(ge=1)] = 256
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    deviation: bool = False


class KimNetwork(nn.Module):
    """Blocks in dB → embeddings: the representation layer, which is a rectified and normalised linear one."""

    band_mean: Tensor
    band_deviation: Tensor

    def __init__(self, settings: KimSettings) -> None:
        super().__init__()
        self.register_buffer("band_mean", torch.zeros(MEL_BANDS))
        self.register_buffer("band_deviation", torch.ones(MEL_BANDS))
        self.convolutions = nn.Sequential(*_layers())
        self.representation = nn.Sequential(
            nn.Linear(UNPOOLED[-1][0], settings.dimension), nn.BatchNorm1d(settings.dimension), nn.ReLU()
        )
        self.dropout = nn.Dropout(settings.dropout)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.xavier_uniform_(module.weight)

    def standardise_by(self, mean: Tensor, deviation: Tensor) -> None:
        """Take (M,) mean and deviation of each band over the training corpus; a constant band is not scaled."""
        self.band_mean.copy_(mean)
        self.band_deviation.copy_(torch.where(deviation > 0, deviation, 1))

    def forward(self, blocks: Tensor) -> Tensor:
        """(B, L, M) → (B, E)."""
        image = ((blocks - self.band_mean) / self.band_deviation)[:, None]
        maps = self.convolutions(image.contiguous(memory_format=torch.channels_last))
        return cast("Tensor", self.dropout(self.representation(maps.mean((2, 3)))))


def _layers() -> Iterator[nn.Module]:
    channels = 1
    for wider, kernel, stride in (*POOLED, *UNPOOLED):
        yield nn.Conv2d(channels, wider, kernel, stride, kernel // 2)
        yield nn.BatchNorm2d(wider)
        yield nn.ReLU()
        if (wider, kernel, stride) in POOLED:
            yield nn.MaxPool2d(2)
        channels = wider
