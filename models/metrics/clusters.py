"""How well clusters match classes: the best pairing of the two (Kuhn 1955, the "Hungarian" method)."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]


def matched(clusters: Indices, classes: Indices) -> Bools:
    """(N,) which tracks lie in the cluster that is paired with their class, paired so that most do.

    Each cluster is paired with one class at most, so tracks of a class without a cluster are not matched.

    Args:
        clusters: (N,) numbers from 0.
        classes: (N,) numbers from 0.
    """
    table = np.zeros((clusters.max() + 1, classes.max() + 1), np.intp)
    np.add.at(table, (clusters, classes), 1)
    paired = np.zeros(table.shape, np.bool_)
    paired[linear_sum_assignment(table, maximize=True)] = True
    return paired[clusters, classes]


def ceiling(classes: Indices, clusters: int) -> float:
    """The highest matched share that so many clusters can have: that of the largest classes, one per cluster."""
    sizes = np.sort(np.bincount(classes))[::-1]
    return float(sizes[:clusters].sum() / sizes.sum())


def floor(classes: int, clusters: int) -> float:
    """The lowest matched share that is possible.

    All pairings together match each track equally often, so the mean pairing matches one track in
    max(clusters, classes), and the best one no less; clusters that hold all classes alike come down to it.
    """
    return 1 / max(classes, clusters)
