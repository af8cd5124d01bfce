"""From statistics of different units to vectors that can be compared."""

import numpy as np
from numpy.typing import NDArray

from models.evaluate.embedded import Floats
from models.standardisation import Doubles, fit_standardisation


def standardised(rows: Doubles, training: NDArray[np.bool_]) -> Floats:
    """(N, D) → (N, D) z-scores by the training rows (all, where none is), of unit length.

    Columns that do not vary in training are 0.
    """
    return fit_standardisation(rows[training] if training.any() else rows).unit(rows)
