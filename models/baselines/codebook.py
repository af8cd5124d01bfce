"""A codebook of frames, and how often a track uses each codeword (paper 000, baseline VQCodebook).

Axis letters: F frames, D features, K codewords.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

LOG_FLOOR = 1e-8
"""Of a share, before its logarithm is taken (000)."""


@dataclass(frozen=True, slots=True, eq=False)
class Codebook:
    """Codewords among standardised frames, in double precision.

    Attributes:
        mean: (D,) of the frames.
        weight: (D,) one over their deviation; 0 where nothing varies.
        words: (K, D) of standardised frames.
    """

    mean: Tensor
    weight: Tensor
    words: Tensor

    def nearest(self, frames: Tensor) -> Tensor:
        """(…, D) frames → (…) the codeword nearest to each."""
        scores = (frames.double() - self.mean) * self.weight
        return (scores @ self.words.T - self.words.square().sum(1) / 2).argmax(-1)

    def to(self, device: torch.device) -> "Codebook":
        """The same, there."""
        return Codebook(self.mean.to(device), self.weight.to(device), self.words.to(device))


def log_shares(counts: Tensor) -> Tensor:
    """(K,) uses of each codeword → (K,) logarithms of their shares, none below that of LOG_FLOOR."""
    return (counts / counts.sum().clamp_min(1)).clamp_min(LOG_FLOOR).log()
