"""Measures of predicted classes, scores and numbers, on all resamples at once.

A resample is how often each of N tracks was drawn: a row of weights. So every measure takes (R, N) weights and
gives (R,) values, each what scikit-learn gives with ``sample_weight``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.metrics.bootstrap import Estimate, summarise

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]

ROUNDING = 1e-12
"""A variance below this is none."""


class RankQuality(NamedTuple):
    """How well scores put positives before negatives, each (R,), NaN where a resample lacks one of the two.

    Attributes:
        roc_auc: Probability that a positive has the higher score, ties count half; 0 to 1, chance is 0.5.
        average_precision: Mean precision at the positives (Buckley and Voorhees 2000, not interpolated); 0 to 1,
            chance is the share of positives.
    """

    roc_auc: Doubles
    average_precision: Doubles


def draw_weights(draws: Sequence[Indices], count: int) -> Doubles:
    """(1 + draws, count) how often each track is in the whole set, which comes first, and in each draw."""
    drawn = [np.bincount(draw, minlength=count) for draw in draws]
    return np.array([np.ones(count), *drawn], np.float64)


def weighted_estimate(values: Doubles, count: int) -> Estimate:
    """(1 + draws,) values of a measure under ``draw_weights`` → its estimate on ``count`` tracks."""
    return summarise(values[0], values[1:], count)


def mean_known(values: Doubles) -> Doubles:
    """(R, C) values → (R,) mean over those that are known, NaN where none is."""
    known = np.isfinite(values)
    return _share(np.where(known, values, 0).sum(1), known.sum(1).astype(np.float64))


def rank_quality(scores: Doubles, positive: Bools, weights: Doubles) -> RankQuality:
    """ROC-AUC and average precision of one tag.

    Args:
        scores: (N,) finite, higher for what is more likely positive.
        positive: (N,) the truth.
        weights: (R, N) from ``draw_weights``.
    """
    order = np.argsort(scores, kind="stable")
    ranked, truth, drawn = scores[order], positive[order], weights[:, order]
    hits = ranked[truth]
    hit_weights = drawn[:, truth]
    first, after = np.searchsorted(ranked, hits, "left"), np.searchsorted(ranked, hits, "right")
    positives, negatives = _cumulative(drawn * truth), _cumulative(drawn * ~truth)
    count, others = positives[:, -1], negatives[:, -1]
    beaten = (negatives[:, first] + negatives[:, after]) / 2
    retrieved = count[:, None] - positives[:, first]
    precision = _share(retrieved, retrieved + others[:, None] - negatives[:, first])
    precise = np.where(hit_weights > 0, hit_weights * precision, 0).sum(1)
    both = others > 0
    return RankQuality(
        _share((hit_weights * beaten).sum(1), count * others), np.where(both, _share(precise, count), np.nan)
    )


def accuracy(right: Bools, weights: Doubles) -> Doubles:
    """(R,) share of right predictions, 0 to 1."""
    return _share(weights @ right, weights.sum(1))


def macro_f1(predicted: Indices, truth: Indices, classes: int, weights: Doubles) -> Doubles:
    """(R,) mean F1 over the classes that a resample holds or that were predicted in it, 0 to 1.

    Args:
        predicted: (N,) classes from 0.
        truth: (N,) likewise.
        classes: How many there are.
        weights: (R, N) from ``draw_weights``.
    """
    said, true = _one_hot(predicted, classes), _one_hot(truth, classes)
    right = weights @ (said * true)
    return mean_known(_share(2 * right, weights @ said + weights @ true))


def balanced_accuracy(predicted: Indices, truth: Indices, classes: int, weights: Doubles) -> Doubles:
    """(R,) mean recall over the classes that a resample holds, 0 to 1; chance is one by the number of classes."""
    true = _one_hot(truth, classes)
    return mean_known(_share(weights @ (_one_hot(predicted, classes) * true), weights @ true))


def r_squared(predicted: Doubles, truth: Doubles, weights: Doubles) -> Doubles:
    """(R,) share of the variance that is explained: 1 is perfect, 0 the mean of the truth, no lower end.

    Args:
        predicted: (N,) or (N, K); the variances of K outputs are summed, as those of a point on the circle have to
            be (scikit-learn averages over outputs instead).
        truth: Like ``predicted``.
        weights: (R, N) from ``draw_weights``.
    """
    expected, found = truth.reshape(len(truth), -1), predicted.reshape(len(truth), -1)
    total = weights.sum(1)
    mean = _share(weights @ expected, np.broadcast_to(total[:, None], (len(total), expected.shape[1])))
    spread = weights @ (expected**2).sum(1) - total * (mean**2).sum(1)
    missed = weights @ ((expected - found) ** 2).sum(1)
    spread[spread <= ROUNDING * total] = 0
    unexplained = _share(missed, spread)
    return np.subtract(1, unexplained)


def _cumulative(values: Doubles) -> Doubles:
    return np.pad(values.cumsum(1), ((0, 0), (1, 0)))


def _one_hot(labels: Indices, classes: int) -> Doubles:
    members: Doubles = (labels[:, None] == np.arange(classes)).astype(np.float64)
    return members


def _share(part: Doubles, whole: Doubles) -> Doubles:
    share: Doubles = np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)
    return share
