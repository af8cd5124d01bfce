"""Frames in a space where the corpus has mean 0 and covariance 1 (encoders, 1.2). D features."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_VARIANCE = 1e-8
"""Of a direction, relative to the mean over all: what varies less is left as small as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """x ↦ (x − mean) matrix, in float64.

    Attributes:
        mean: (D,)
        matrix: (D, D) lower triangular, a root of the inverse covariance.
    """

    mean: Tensor
    matrix: Tensor

    def apply(self, frames: Tensor) -> Tensor:
        """(F, D) → (F, D) float32."""
        white: Tensor = (frames.double() - self.mean) @ self.matrix
        return white.float()


def fit_whitening(tracks: Iterable[Tensor]) -> Whitening:
    """The whitening of all frames together, whose covariance is biased as in the paper.

    Args:
        tracks: (F, D) frames of each, one after the other; at least one frame in all.
    """
    count, first, second = 0, torch.zeros(1, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64)
    for frames in tracks:
        exact = frames.double()
        count += len(exact)
        first = first + exact.sum(0)
        second = second + exact.mT @ exact
    mean = first / count
    covariance = second / count - mean[:, None] * mean
    values, directions = torch.linalg.eigh((covariance + covariance.mT) / 2)
    kept = values.clamp_min(LEAST_VARIANCE * values.clamp_min(0).mean().clamp_min(LEAST_VARIANCE))
    inverse = (directions / kept) @ directions.mT
    return Whitening(mean, torch.linalg.cholesky((inverse + inverse.mT) / 2))
