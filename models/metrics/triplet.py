"""Measures of single comparisons: which of two is nearer to a third."""

import numpy as np
from numpy.typing import NDArray

from models.metrics.ordering import Floats, refuse_infinite

Doubles = NDArray[np.float64]


def ordered_right(similar: Floats, dissimilar: Floats) -> Doubles:
    """1 where the similar one is nearer, ½ where both are equally near, else 0; any shape.

    The mean over triplets is the triplet accuracy: the share with D(a, p) < D(a, n) (paper 001, section 4.1). The
    mean over pairs is the pairwise comparison PC (paper 004, section 5.1.2). The papers do not say what a tie is
    worth; with ½ a constant similarity has the value of chance.

    Args:
        similar: Similarity of the query to the similar track of each pair.
        dissimilar: To the dissimilar one, of the same shape.

    Raises:
        EvaluationImpossible: Some are not finite.
    """
    refuse_infinite(similar)
    refuse_infinite(dissimilar)
    right: Doubles = (similar > dissimilar) + (similar == dissimilar) / 2
    return right
