"""Which tracks belong together: K-Means and Gaussian mixtures over a range of cluster counts, and the best of them.

The indices are those of paper 002. The silhouette (Rousseeuw 1987) decides: it alone holds each track against the
cluster next to its own. Calinski and Harabasz 1974 is what K-Means itself makes large, so that it favours one of
the methods, and Davies and Bouldin 1979 knows the centres only. Both are told beside it.
Axis letters: N tracks, D dimensions.
"""

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from sklearn.mixture import GaussianMixture

from models.catalogue_map.components import Floats, Reached, main_components

Indices = NDArray[np.intp]

K_MEANS: Final = "kmeans"
GMM: Final = "gmm"
METHODS: Final = (K_MEANS, GMM)

MOST: Final = 20
COMPONENTS: Final = 10
"""In more dimensions all distances come to be alike, and with them the silhouettes of any number of clusters."""

SLACK, SLACK_SHARE = 0.03, 0.15
"""A silhouette that misses the best by no more than the one, nor than this share of it, is as good: of those the
most clusters, which say the most. To split one of even 20 that lie well apart costs more."""

SAMPLED: Final = 2000
"""So many tracks are asked for their silhouette, which takes the distances to all others."""

_TRACKS_EACH: Final = 3
_STARTS: Final = 3
_RIDGE: Final = 1e-6
_DIGITS: Final = 5


@dataclass(frozen=True, slots=True)
class Score:
    """How apart so many clusters lie, found by one method; ``None`` where that cannot be said.

    The higher the silhouette (-1 to 1) and Calinski–Harabasz, and the lower Davies–Bouldin, the better.
    """

    method: str
    k: int
    silhouette: float | None
    calinski_harabasz: float | None
    davies_bouldin: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """(N,) the number of each track's cluster, from 0, the largest first; how they were found, what was tried."""

    numbers: Indices
    method: str
    scores: Sequence[Score]

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.numbers.max()) + 1


def find_clusters(vectors: Floats, seed: int, reached: Reached, until: float = np.inf) -> Clusters:
    """Cluster (N, D) vectors, at least one, whose inner products are similarities.

    Args:
        vectors: As for ``lay_out``.
        seed: Of what is left to chance.
        reached: Hears of the stage ``clusters``.
        until: When to stop trying, by ``time.monotonic``: the best of what was tried by then is taken.
    """
    components = main_components(vectors, COMPONENTS).astype(np.float64)
    found: list[tuple[Score, Indices]] = []
    pairs = list(_tried(components))
    for place, (method, k) in enumerate(pairs):
        reached("clusters", place / len(pairs))
        if found and time.monotonic() >= until:
            break
        numbers = _clustered(components, method, k, seed)
        found.append((_score(components, numbers, method, k, seed), numbers))
    score, numbers = _best(found)
    return Clusters(_by_size(numbers), score.method, [each for each, _ in found]) if score else _one(len(vectors))


def _tried(components: NDArray[np.float64]) -> Iterator[tuple[str, int]]:
    distinct = len(np.unique(components.round(_DIGITS), axis=0))
    for k in range(2, min(MOST, len(components) // _TRACKS_EACH, distinct - 1) + 1):
        for method in METHODS:
            yield method, k


def _clustered(components: NDArray[np.float64], method: str, k: int, seed: int) -> Indices:
    learner = (
        KMeans(k, n_init=_STARTS, random_state=seed)
        if method == K_MEANS
        else GaussianMixture(k, covariance_type="diag", reg_covar=_RIDGE, random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # clusters that might still move a little serve as well
        numbers: Indices = learner.fit_predict(components)
    return numbers


def _score(components: NDArray[np.float64], numbers: Indices, method: str, k: int, seed: int) -> Score:
    if not 1 < len(np.unique(numbers)) < len(numbers):
        return Score(method, k, None, None, None)
    return Score(
        method,
        k,
        _silhouette(components, numbers, seed),
        float(calinski_harabasz_score(components, numbers)),
        float(davies_bouldin_score(components, numbers)),
    )


def _silhouette(components: NDArray[np.float64], numbers: Indices, seed: int) -> float | None:
    if len(numbers) > SAMPLED:
        chosen = np.random.default_rng(seed).choice(len(numbers), SAMPLED, replace=False)
        components, numbers = components[chosen], numbers[chosen]
    if not 1 < len(np.unique(numbers)) < len(numbers):
        return None
    return float(silhouette_score(components, numbers))


def _best(found: Sequence[tuple[Score, Indices]]) -> tuple[Score | None, Indices]:
    """The most clusters of those that are as good as the best; of two methods the better."""
    known = [(score, score.silhouette, numbers) for score, numbers in found if score.silhouette is not None]
    highest = max((silhouette for _, silhouette, _ in known), default=0.0)
    if highest <= 0:
        return None, np.zeros(0, np.intp)
    good = [each for each in known if each[1] >= highest - min(SLACK, SLACK_SHARE * highest)]
    score, _, numbers = max(good, key=lambda each: (each[0].k, each[1]))
    return score, numbers


def _one(count: int) -> Clusters:
    return Clusters(np.zeros(count, np.intp), K_MEANS, [])


def _by_size(numbers: Indices) -> Indices:
    """Number clusters anew, the largest 0; none is empty."""
    kinds, inverse, sizes = np.unique(numbers, return_inverse=True, return_counts=True)
    ranks = np.empty(len(kinds), np.intp)
    ranks[np.argsort(-sizes, kind="stable")] = np.arange(len(kinds))
    renamed: Indices = ranks[inverse]
    return renamed
