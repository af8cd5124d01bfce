"""From statistics of different units to vectors that can be compared."""

import numpy as np
from numpy.typing import NDArray

from models.evaluate.embedded import Floats

Doubles = NDArray[np.float64]


def standardised(rows: Doubles, training: NDArray[np.bool_]) -> Floats:
    """(N, D) → (N, D) z-scores by the training rows (all, where none is), of unit length.

    Columns that do not vary in training are 0. Unit length makes the cosine of z-scores of the dot product: how far
    two tracks deviate from the usual in the same direction, however far.
    """
    learnt = rows[training] if training.any() else rows
    deviation = learnt.std(0)
    scale = np.where(deviation > 1e-9 * (1 + np.abs(learnt.mean(0))), deviation, np.inf)
    scores = (rows - learnt.mean(0)) / scale
    length = np.linalg.norm(scores, axis=1, keepdims=True)
    unit: Floats = (scores / np.where(length > 0, length, 1)).astype(np.float32)
    return unit
