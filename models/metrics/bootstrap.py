"""Confidence intervals by the bootstrap, with the same resamples for all systems, so that differences are paired.

Efron and Tibshirani (1993), percentile intervals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]
REPLICATES = 1_000
LEVEL = 0.95
MIN_REPLICATES = 2


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: On all queries; NaN where nothing could be measured.
        low: Lower end of the 95 % interval.
        high: Upper end of it.
        count: Queries it rests on.
        replicates: (R,) the figure on each resample; estimates on the same resamples can be subtracted.
    """

    value: float
    low: float
    high: float
    count: int
    replicates: Doubles = field(repr=False)


@dataclass(frozen=True, slots=True)
class Resampling:
    """How resamples are drawn: the same count, groups and seed give the same resamples.

    Attributes:
        replicates: How many.
        seed: Of the draws.
    """

    replicates: int = REPLICATES
    seed: int = 0

    def draws(self, count: int, groups: NDArray[np.generic] | None = None) -> list[Indices]:
        """Index arrays into ``count`` queries, drawn with replacement.

        Args:
            count: Queries.
            groups: (count,) their group: whole groups are drawn, for queries that are not independent (tracks of
                one album). Without it each query is drawn by itself.
        """
        generator = np.random.default_rng(self.seed)
        if groups is None:
            return [generator.integers(0, count, count) for _ in range(self.replicates)]
        by_group = np.argsort(groups, kind="stable")
        _, starts = np.unique(groups[by_group], return_index=True)
        members = np.split(by_group, starts[1:])
        picks = generator.integers(0, len(members), (self.replicates, len(members)))
        return [np.concatenate([members[pick] for pick in row]) for row in picks]


def estimate(statistic: Callable[[Indices], float], draws: list[Indices], count: int) -> Estimate:
    """Any statistic of a set of queries.

    Args:
        statistic: Of queries given by their numbers (repeats count); NaN where it has no value.
        draws: From ``Resampling.draws``.
        count: Queries in all.
    """
    value = statistic(np.arange(count)) if count else float("nan")
    replicates = np.array([statistic(draw) for draw in draws]) if count else np.full(len(draws), np.nan)
    return summarise(value, replicates, count)


def estimate_mean(values: Doubles, draws: list[Indices]) -> Estimate:
    """The mean of (count,) values, one per query."""
    return estimate(lambda draw: float(values[draw].mean()), draws, len(values))


def summarise(value: float, replicates: Doubles, count: int) -> Estimate:
    """Value and percentile interval."""
    finite = replicates[np.isfinite(replicates)]
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(finite, [tail, 100 - tail]) if len(finite) else (float("nan"), float("nan"))
    return Estimate(float(value), float(low), float(high), count, replicates)


def paired_p_value(one: Estimate, other: Estimate) -> float:
    """Two-sided p-value of "both are equal", 0 to 1, from the differences on the same resamples.

    The difference over its bootstrap standard error is taken as normal: a share of replicates could not go below
    2 / R, which no correction for many comparisons would survive.
    """
    differences = one.replicates - other.replicates
    differences = differences[np.isfinite(differences)]
    difference = one.value - other.value
    if len(differences) < MIN_REPLICATES or not np.isfinite(difference):
        return float("nan")
    error = differences.std(ddof=1)
    if error == 0:
        return float(difference == 0)
    return erfc(abs(difference) / (error * sqrt(2)))
