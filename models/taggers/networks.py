"""The networks of the taggers FCN, CRNN and Musicnn, in evaluation only.

Each turns log mel spectrograms of its input length into its last hidden layer and tag probabilities. Sizes are
those of Won, Ferraro, Bogdanov and Serra (2020), "Evaluation of CNN-based automatic music tagging models"; modules
have the names by which the published weights know their tensors.

Axis letters: B windows, M mel bands, F frames, C channels, D hidden units, K tags.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from models.taggers.front_end import MEL_BANDS, SAMPLE_RATE_HZ

TAGS = 50


class Network(nn.Module):
    """What all three have in common.

    Attributes:
        input_samples: Length of a window.
        hidden_size: D.
    """

    input_samples: ClassVar[int]
    hidden_size: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.spec_bn = nn.BatchNorm2d(1)

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M, F) in dB → (B, D) last hidden layer after its activation, (B, K) probabilities."""
        hidden = self.hidden(self.spec_bn(log_mel[:, None]))
        return hidden, self.head(hidden).sigmoid()

    def hidden(self, normalised: Tensor) -> Tensor:
        """(B, 1, M, F) → (B, D)."""
        raise NotImplementedError

    def head(self, hidden: Tensor) -> Tensor:
        """(B, D) → (B, K) logits."""
        raise NotImplementedError


class Fcn(Network):
    """Choi, Fazekas and Sandler (2016): five convolutions, each with pooling, down to one point.

    The poolings round down: what comes after the first 1 280 frames (20.5 s) of a window is heard through the
    margins of the convolutions only.
    """

    input_samples = 29 * SAMPLE_RATE_HZ
    hidden_size = 64

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = _Pooled(1, 64, (2, 4))
        self.layer2 = _Pooled(64, 128, (2, 4))
        self.layer3 = _Pooled(128, 128, (2, 4))
        self.layer4 = _Pooled(128, 128, (3, 5))
        self.layer5 = _Pooled(128, 64, (4, 4))
        self.dense = nn.Linear(64, TAGS)

    def hidden(self, normalised: Tensor) -> Tensor:
        layers = (self.layer1, self.layer2, self.layer3, self.layer4, self.layer5)
        return _through(layers, normalised).flatten(1)

    def head(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.dense(hidden)
        return logits


class Crnn(Network):
    """Choi, Fazekas, Sandler and Cho (2017): four convolutions with pooling, two gated recurrent layers."""

    input_samples = 29 * SAMPLE_RATE_HZ
    hidden_size = 32

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = _Pooled(1, 64, (2, 2))
        self.layer2 = _Pooled(64, 128, (3, 3))
        self.layer3 = _Pooled(128, 128, (4, 4))
        self.layer4 = _Pooled(128, 128, (4, 4))
        self.layer5 = nn.GRU(128, 32, num_layers=2, batch_first=True)
        self.dense = nn.Linear(32, TAGS)

    def hidden(self, normalised: Tensor) -> Tensor:
        maps = _through((self.layer1, self.layer2, self.layer3, self.layer4), normalised)
        steps: Tensor = self.layer5(maps[:, :, 0].transpose(1, 2))[0]
        return steps[:, -1]

    def head(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.dense(hidden)
        return logits


class Musicnn(Network):
    """Pons et al. (2018) as in musicnn: filters of a timbre's or a rhythm's shape, then residual convolutions."""

    input_samples = 3 * SAMPLE_RATE_HZ
    hidden_size = 200
    channels = 64

    def __init__(self) -> None:
        super().__init__()
        tall = [_Timbre(204, bands) for bands in (int(0.7 * MEL_BANDS), int(0.4 * MEL_BANDS))]
        self.layers = nn.ModuleList([*tall, *(_Rhythm(51, frames) for frames in (129, 65, 33))])
        front = 2 * 204 + 3 * 51
        self.layer1 = _Conv1d(front, self.channels, 7)
        self.layer2 = _Conv1d(self.channels, self.channels, 7)
        self.layer3 = _Conv1d(self.channels, self.channels, 7)
        self.dense1 = nn.Linear(2 * (front + 3 * self.channels), self.hidden_size)
        self.bn = nn.BatchNorm1d(self.hidden_size)
        self.dense2 = nn.Linear(self.hidden_size, TAGS)

    def hidden(self, normalised: Tensor) -> Tensor:
        front = torch.cat([layer(normalised) for layer in self.layers], 1)
        first = self.layer1(front)
        second = first + self.layer2(first)
        third = second + self.layer3(second)
        everything = torch.cat([front, first, second, third], 1)
        summary = torch.cat([everything.amax(2), everything.mean(2)], 1)
        hidden: Tensor = self.bn(self.dense1(summary)).relu()
        return hidden

    def head(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.dense2(hidden)
        return logits


NETWORKS: dict[str, type[Network]] = {"fcn": Fcn, "crnn": Crnn, "musicnn": Musicnn}
"""By the second half of a weights file's name."""


class _Pooled(nn.Module):
    """(B, C, M, F): 3×3 convolution, normalisation, ReLU, maximum."""

    def __init__(self, inputs: int, outputs: int, pool: tuple[int, int]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.bn = nn.BatchNorm2d(outputs)
        self.pool = nn.MaxPool2d(pool)

    def forward(self, maps: Tensor) -> Tensor:
        pooled: Tensor = self.pool(self.bn(self.conv(maps)).relu())
        return pooled


class _Conv1d(nn.Module):
    """(B, C, F): convolution over time that keeps its length, normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, frames: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, frames, padding=frames // 2)
        self.bn = nn.BatchNorm1d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        convolved: Tensor = self.bn(self.conv(maps)).relu()
        return convolved


class _Timbre(nn.Module):
    """(B, 1, M, F) → (B, C, F): tall filters, the best place in frequency."""

    def __init__(self, outputs: int, bands: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, outputs, (bands, 7), padding=(0, 3))
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, maps: Tensor) -> Tensor:
        convolved: Tensor = self.bn(self.conv(maps)).relu()
        return convolved.amax(2)


class _Rhythm(_Conv1d):
    """(B, 1, M, F) → (B, C, F): long filters over the mean of all frequencies."""

    def __init__(self, outputs: int, frames: int) -> None:
        super().__init__(1, outputs, frames)

    def forward(self, maps: Tensor) -> Tensor:
        return super().forward(maps.mean(2))


def _through(layers: tuple[nn.Module, ...], maps: Tensor) -> Tensor:
    for layer in layers:
        maps = layer(maps)
    return maps
