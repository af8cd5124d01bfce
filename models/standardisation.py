"""From statistics of different units to vectors that can be compared by their cosine."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

CONSTANT = 1e-9
"""Of one plus the size of its mean: a column whose deviation is smaller does not vary."""


@dataclass(frozen=True, slots=True, eq=False)
class Standardisation:
    """z-scores by the tracks that were learnt from.

    Attributes:
        mean: (D,)
        weight: (D,) one over the population deviation; 0 where nothing varies.
    """

    mean: Doubles
    weight: Doubles

    def unit(self, rows: Doubles) -> NDArray[np.float32]:
        """(N, D) → (N, D) z-scores of unit length, or zero where all of them are.

        Unit length makes the cosine of z-scores of the dot product: how far two tracks deviate from the usual in
        the same direction, however far.
        """
        scores = (rows - self.mean) * self.weight
        length = np.linalg.norm(scores, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (scores / np.where(length > 0, length, 1)).astype(np.float32)
        return unit


def fit_standardisation(rows: Doubles) -> Standardisation:
    """By (N, D) rows, N ≥ 1."""
    mean, deviation = rows.mean(0), rows.std(0)
    varies = deviation > CONSTANT * (1 + np.abs(mean))
    return Standardisation(mean, varies / np.where(varies, deviation, 1))
