"""scikit-learn's estimators as probes and clusterings use them, loaded when the first is needed."""

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from models.errors import ToolMissing

Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]
Numbers = NDArray[np.generic]

MAX_ITERATIONS = 20_000
K_MEANS_STARTS = 10
KEPT_VARIANCE = 0.95
COVARIANCE_RIDGE = 1e-6


class Learner(Protocol):
    """Learns from (N, D) vectors, with or without (N,) labels."""

    def fit(self, vectors: Doubles, labels: Numbers | None = None, /) -> Self: ...


class Scaler(Learner, Protocol):
    """Makes other vectors of vectors."""

    def transform(self, vectors: Doubles, /) -> Doubles: ...


class Classifier(Learner, Protocol):
    """Tells classes."""

    def set_params(self, *, C: float) -> Self: ...  # noqa: N803 - scikit-learn's name
    def predict(self, vectors: Doubles, /) -> Indices: ...
    def decision_function(self, vectors: Doubles, /) -> Doubles: ...


class Regressor(Learner, Protocol):
    """Tells numbers."""

    def predict(self, vectors: Doubles, /) -> Doubles: ...


class Clusterer(Learner, Protocol):
    """Tells clusters, numbers from 0."""

    def predict(self, vectors: Doubles, /) -> Indices: ...


@contextmanager
def _scikit_learn() -> Iterator[None]:
    """Turn a missing library into advice.

    Raises:
        ToolMissing: scikit-learn is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise ToolMissing("Probes and clusters need scikit-learn: pip install 'soundkin[evaluation]'.") from error


def one_thread() -> AbstractContextManager[object]:
    """Hold numerical libraries to one thread: on matrices as small as these, more only wait (10 × slower).

    What loads later would not be held, so everything is loaded first.
    """
    with _scikit_learn():
        import sklearn.cluster  # noqa: PLC0415 - optional dependency
        import sklearn.decomposition  # noqa: PLC0415 - optional dependency
        import sklearn.mixture  # noqa: F401, PLC0415 - optional dependency
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def scaler() -> Scaler:
    """To mean 0 and deviation 1 of the rows it was fitted on."""
    with _scikit_learn():
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415 - optional dependency
    found: Scaler = StandardScaler()
    return found


def main_components() -> Scaler:
    """The principal components that hold KEPT_VARIANCE: covariances of all dimensions would be nearly singular."""
    with _scikit_learn():
        from sklearn.decomposition import PCA  # noqa: PLC0415 - optional dependency
    found: Scaler = PCA(KEPT_VARIANCE, svd_solver="full")
    return found


def classifier(weight: Literal["balanced"] | None = None) -> Classifier:
    """Logistic regression, L2, that goes on from its last solution; ``balanced`` weighs classes alike."""
    with _scikit_learn():
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - optional dependency
    found: Classifier = LogisticRegression(max_iter=MAX_ITERATIONS, warm_start=True, class_weight=weight)
    return found


def regressor(penalty: float) -> Regressor:
    """Ridge regression."""
    with _scikit_learn():
        from sklearn.linear_model import Ridge  # noqa: PLC0415 - optional dependency
    found: Regressor = Ridge(alpha=penalty)
    return found


def k_means(clusters: int, seed: int) -> Clusterer:
    """K-Means, the best of K_MEANS_STARTS."""
    with _scikit_learn():
        from sklearn.cluster import KMeans  # noqa: PLC0415 - optional dependency
    found: Clusterer = KMeans(clusters, n_init=K_MEANS_STARTS, random_state=seed)
    return found


def gaussian_mixture(clusters: int, seed: int) -> Clusterer:
    """A mixture of Gaussians with diagonal covariances, for what ``main_components`` gives."""
    with _scikit_learn():
        from sklearn.mixture import GaussianMixture  # noqa: PLC0415 - optional dependency
    found: Clusterer = GaussianMixture(
        clusters, covariance_type="diag", reg_covar=COVARIANCE_RIDGE, random_state=seed
    )
    return found


def converges(learner: Learner, vectors: Doubles, labels: Numbers | None = None) -> bool:
    """Fit, and say whether it converged: for a user a warning is no more than a note in the report."""
    with _scikit_learn():
        from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - optional dependency
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        learner.fit(vectors, labels)
    others = [warning for warning in caught if not issubclass(warning.category, ConvergenceWarning)]
    for warning in others:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return len(others) == len(caught)


def compactness(vectors: Doubles, clusters: Indices) -> tuple[Doubles, float, float]:
    """How compact and apart clusters are: (N,) silhouettes, −1 to 1, Calinski–Harabasz, and Davies–Bouldin.

    The lower Davies–Bouldin the better. All NaN where all tracks are in one cluster, or each in its own.

    Args:
        vectors: (N, D).
        clusters: (N,) numbers.
    """
    with _scikit_learn():
        from sklearn import metrics  # noqa: PLC0415 - optional dependency
    if not 1 < len(np.unique(clusters)) < len(clusters):
        return np.full(len(clusters), np.nan), float("nan"), float("nan")
    return (
        metrics.silhouette_samples(vectors, clusters),
        float(metrics.calinski_harabasz_score(vectors, clusters)),
        float(metrics.davies_bouldin_score(vectors, clusters)),
    )
