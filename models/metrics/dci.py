"""Disentanglement and completeness of a representation (Eastwood and Williams 2018), on all resamples at once.

The paper's importance of a variable for a factor is its weight in one probe of all variables. Here a variable is a
whole space, and its importance how well a probe that sees no other predicts the factor, 0 for chance: that does not
depend on how a probe shares weights between spaces that say the same. Where the paper averages completeness over
factors, a factor counts by its importance, as spaces do, since where nothing is predicted nothing is complete.
"""

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


def disentanglement(importances: Doubles) -> Doubles:
    """(R, spaces, factors) importances, at least 0 → (R,) how far spaces predict one factor only, 0 to 1.

    1 less the entropy of a space's importances, mean over spaces by their importance; NaN where no space predicts
    anything, or where there are fewer than two factors.
    """
    return _concentration(importances)


def completeness(importances: Doubles) -> Doubles:
    """(R, spaces, factors) importances, at least 0 → (R,) how far factors are predicted by one space only, 0 to 1.

    As ``disentanglement`` with spaces and factors exchanged.
    """
    return _concentration(importances.transpose(0, 2, 1))


def _concentration(importances: Doubles) -> Doubles:
    """1 less the entropy along the last axis, mean along the other by its sum."""
    choices = importances.shape[2]
    if choices < 2:  # noqa: PLR2004 - one choice is no choice
        return np.full(len(importances), np.nan)
    totals = importances.sum(2, keepdims=True)
    shares = np.divide(importances, totals, out=np.zeros_like(importances), where=totals > 0)
    surprise = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    single = 1 + (shares * surprise).sum(2) / np.log(choices)
    weight = totals[..., 0]
    whole = weight.sum(1)
    mean: Doubles = np.divide((weight * single).sum(1), whole, out=np.full(len(whole), np.nan), where=whole > 0)
    return mean
