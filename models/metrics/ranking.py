"""Measures of rankings, one value per query, with relevance 0 or 1.

Ties are resolved in expectation: each value is the mean over all orders of what is equally near. A constant
similarity therefore has exactly the value of chance, and no place in storage is favoured. A query without anything
relevant has no value (NaN).
"""

import numpy as np
from numpy.typing import NDArray

from models.metrics.ordering import Standing

Doubles = NDArray[np.float64]


def precision(standing: Standing, k: int) -> Doubles:
    """(B,) P@k: share of the k nearest that is relevant; with fewer candidates than k the rest counts as wrong.

    A candidate with s above it and n tied stands among the k nearest with probability (k − s) / n, within 0 and 1.
    """
    chance = ((k - standing.above) / standing.tied).clip(0, 1)
    return _undefined_without(standing, _sum(standing, chance) / k)


def average_precision(standing: Standing) -> Doubles:
    """(B,) AP = Σᵢ P(i)·yᵢ / Σᵢ yᵢ, whose mean is MAP (paper 004, section 5.1.2).

    Of n tied with r relevant, below s candidates with R relevant, place i contributes
    (r / n)·(R + 1 + (i − 1)(r − 1) / (n − 1)) / (s + i) in expectation (McSherry and Najork, 2008); their sum is
    taken by harmonic numbers.
    """
    s, n, r = standing.above, standing.tied, standing.relevant_tied
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, (s + n).max(initial=0) + 1))])
    span = harmonic[s + n] - harmonic[s]
    others = (r - 1) / np.maximum(n - 1, 1)
    each = ((standing.relevant_above + 1) * span + others * (n - (s + 1) * span)) / n
    return _undefined_without(standing, _sum(standing, each) / np.maximum(standing.relevant, 1))


def ndcg(standing: Standing, k: int) -> Doubles:
    """(B,) NDCG@k = DCG@k / IDCG@k, DCG@k = Σᵢ (2^relᵢ − 1) / log₂(i + 1) (paper 004, section 5.1.2).

    With relevance 0 or 1 the gain is the relevance. What is tied shares the discounts of its places.
    """
    discounts = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    start, end = np.minimum(standing.above, k), np.minimum(standing.above + standing.tied, k)
    gained = _sum(standing, (discounts[end] - discounts[start]) / standing.tied)
    ideal = discounts[np.clip(standing.relevant, 1, k)]
    return _undefined_without(standing, gained / ideal)


def reciprocal_rank(standing: Standing) -> Doubles:
    """(B,) 1 / place of the first relevant candidate, whose mean is MRR (Voorhees, TREC-8, 1999).

    Of n tied with r relevant below s candidates, the first of these is at place i with probability
    C(n − i, r − 1) / C(n, r).
    """
    values = np.full(len(standing.relevant), np.nan)
    query, item = np.unique(standing.query[standing.relevant_above == 0], return_index=True)
    leaders = np.flatnonzero(standing.relevant_above == 0)[item]
    s, n, r = standing.above[leaders], standing.tied[leaders], standing.relevant_tied[leaders]
    values[query] = 1 / (s + 1)
    for number in np.flatnonzero(n > r):
        values[query[number]] = _expected_reciprocal(s[number], n[number], r[number])
    return values


def _expected_reciprocal(s: int, n: int, r: int) -> float:
    """E[1 / (s + i)], i the first place of r relevant ones among n in random order."""
    place = np.arange(1, n - r + 2)
    missed = np.concatenate([[1.0], np.cumprod((n - r + 1 - place[:-1]) / (n + 1 - place[:-1]))])
    return float((missed * r / (n + 1 - place) / (s + place)).sum())


def _sum(standing: Standing, each: Doubles) -> Doubles:
    """(B,) sum over the relevant candidates of each query."""
    return np.bincount(standing.query, each, len(standing.relevant)).astype(np.float64, copy=False)


def _undefined_without(standing: Standing, values: Doubles) -> Doubles:
    return np.where(standing.relevant > 0, values, np.nan)
