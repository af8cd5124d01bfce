"""Standardise, PCA, and whiten by what varies within a track: the linear map from statistics to a sub-space.

Devaux (paper 004) standardises the statistics and keeps the principal components that hold 99 % of the variance.
On top of that stands within-class covariance normalisation (Hatch et al. 2006) with tracks as the classes:
directions in which the segments of one track differ among themselves are shrunk, and what is left is ordered by how
far it tells tracks apart (Fisher's discriminant). Without it two passages of a song differ by as much as two songs.

Axis letters: N rows (segments), P statistics, K principal components, D dimensions.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Doubles = NDArray[np.float64]

CLIP = 4.0
"""Standard deviations beyond which a statistic counts no more: kurtosis and skewness have long tails."""

_CONSTANT = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The fitted map.

    Attributes:
        mean: (P,) of each statistic.
        limit: (P,) how far from the mean a statistic counts; 0 where nothing varied in training.
        scale: (P,) what the rest is divided by.
        matrix: (P, D).
        offset: (D,) subtracted at the end, so that the training rows have the mean 0.
    """

    mean: Tensor
    limit: Tensor
    scale: Tensor
    matrix: Tensor
    offset: Tensor

    def __call__(self, rows: Tensor) -> Tensor:
        """(B, P) statistics → (B, D). A row that holds a NaN does not apply and becomes 0."""
        scores = torch.clamp(rows - self.mean, -self.limit, self.limit) / self.scale
        projected = scores @ self.matrix - self.offset
        return torch.where(projected.isnan().any(1, keepdim=True), 0.0, projected)


@dataclass(frozen=True, slots=True)
class ProjectionSettings:
    """How a projection is fitted.

    Attributes:
        standardise: Divide by the standard deviation; without, statistics in Hz and dB swamp the rest.
        variance: Share of the variance that the principal components keep.
        dimension: D at most.
        within_track: Whiten by the covariance within tracks; else plain principal components.
        ridge: Added to the covariance within tracks, relative to its mean variance.
    """

    standardise: bool = True
    variance: float = 0.99
    dimension: int = 64
    within_track: bool = True
    ridge: float = 0.1


def fit_projection(rows: Doubles, tracks: NDArray[np.int64], settings: ProjectionSettings) -> Projection:
    """Fit to (N, P) statistics without NaN; ``tracks`` (N,) says which track a row belongs to."""
    mean = rows.mean(0)
    deviation = rows.std(0)
    limit = CLIP * np.where(deviation > _CONSTANT, deviation, 0.0)
    scale = np.where(limit > 0, deviation, 1.0) if settings.standardise else np.ones_like(deviation)
    scores = np.clip(rows - mean, -limit, limit) / scale
    components = principal_components(scores, settings.variance)
    if settings.within_track:
        matrix = components @ _discriminants(scores @ components, tracks, settings)
    else:
        matrix = components[:, : settings.dimension]
    parts = (mean, limit, scale, matrix, scores.mean(0) @ matrix)
    return Projection(*(torch.from_numpy(part).float() for part in parts))


def principal_components(scores: Doubles, variance: float) -> Doubles:
    """(N, P) → (P, K) orthonormal directions that hold at least this share of the variance, largest first."""
    values, vectors = _descending(np.cov(scores.T))
    count = int(np.searchsorted(np.cumsum(values) / values.sum(), variance)) + 1
    return vectors[:, :count]


def _discriminants(scores: Doubles, tracks: NDArray[np.int64], settings: ProjectionSettings) -> Doubles:
    """(N, K) → (K, D): unit covariance within tracks, ordered by the variance between tracks."""
    labels, index = np.unique(tracks, return_inverse=True)
    counts = np.bincount(index)[:, None]
    means = np.zeros((len(labels), scores.shape[1]))
    np.add.at(means, index, scores)
    means /= counts
    rest = (scores - means[index]) / np.sqrt(counts[index])  # each track counts the same, however long
    within = rest.T @ rest / len(labels)
    within += settings.ridge * np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = _descending(within)
    whitening = vectors / np.sqrt(values)
    _, directions = _descending(np.cov((means @ whitening).T))
    found: Doubles = whitening @ directions[:, : settings.dimension]
    return found


def _descending(covariance: Doubles) -> tuple[Doubles, Doubles]:
    """Eigenvalues and eigenvectors, largest first; signs fixed so that the same data give the same vectors."""
    values, vectors = np.linalg.eigh(np.atleast_2d(covariance))
    vectors = vectors[:, ::-1]
    signs = np.sign(vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])])
    return values[::-1], vectors * signs
