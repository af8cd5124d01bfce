"""The WaveNet as it was made to be: it predicts the next element of a signal (van den Oord et al. 2016).

Paper 004 (section 6.2.2) proposes to keep its stacks for similarity.

Axis letters: B signals, L elements, W numbers in an element.
"""

from typing import cast

from torch import Tensor, nn
from torch.nn import functional

from models.wavenet.network import WavenetStacks
from models.wavenet.settings import WavenetSettings

LEAST_SCALE = 1e-2
"""Of a prediction, in deviations of the corpus: silence could be predicted without end otherwise."""


class Predictor(nn.Module):
    """Stacks without poolings, and an end that says where the next element will be and how far off it may be.

    The likelihood is a Laplace distribution for each number, where the original has a softmax over 256 values of a
    sample: it serves samples and frames alike, and costs a hundredth.
    """

    def __init__(self, settings: WavenetSettings) -> None:
        super().__init__()
        self.stacks = WavenetStacks(settings)
        skips = settings.stacks * settings.layers * settings.skip_channels
        self.end = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(skips, settings.reduced_channels, 1),
            nn.ReLU(),
            nn.Conv2d(settings.reduced_channels, 2 * settings.width, 1),
        )

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, W) → where the elements after the first L − 1 will be, and how sure: two of (B, L − 1, W).

        In standard scores; element t depends on those up to t alone. Told is the change from the element before,
        which to repeat is hard to beat.
        """
        scores = self.stacks.standardised(signal[:, :-1])
        told = cast("Tensor", self.end(self.stacks.unpooled(scores)))
        changes, scales = _sequence(told).chunk(2, 2)
        return _sequence(scores) + changes, functional.softplus(scales) + LEAST_SCALE

    def loss(self, signal: Tensor) -> Tensor:
        """(B, L, W) → scalar: the mean negative log-likelihood of a number, in nats."""
        return laplace_loss(self.targets(signal), *self(signal))

    def targets(self, signal: Tensor) -> Tensor:
        """(B, L, W) → (B, L − 1, W) what is to be predicted, in standard scores."""
        return (signal[:, 1:] - self.stacks.mean) / self.stacks.deviation


def _sequence(rows: Tensor) -> Tensor:
    """(B, C, 1, L) → (B, L, C) in single precision."""
    return rows[:, :, 0].transpose(1, 2).float()


def laplace_loss(targets: Tensor, places: Tensor, scales: Tensor) -> Tensor:
    """(…) targets, and where they were expected with which scale b → the mean of ln 2b + |x − μ| / b."""
    return ((2 * scales).log() + (targets - places).abs() / scales).mean()
