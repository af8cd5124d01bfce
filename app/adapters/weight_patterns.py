"""The ways in which people weigh spaces, as queries to try an index with."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.domain import Vectors

REFERENCES = 3
"""Tracks that a query is made of, where it takes several."""

Weights = NDArray[np.float64]
"""(T, S): of each reference in each space."""

_FAINTEST = 0.2
"""Of two spaces, none weighs less."""

_SKEWED = 0.3
"""Each space weighs so much of the one before."""


def _uniform(spaces: int, _: np.random.Generator) -> Weights:
    return np.ones((1, spaces))


def _dirichlet(spaces: int, generator: np.random.Generator) -> Weights:
    return generator.dirichlet(np.ones(spaces), size=1)


def _skewed(spaces: int, generator: np.random.Generator) -> Weights:
    return generator.permutation(_SKEWED ** np.arange(spaces))[np.newaxis]


def _two_spaces(spaces: int, generator: np.random.Generator) -> Weights:
    weights = np.zeros((1, spaces))
    chosen = generator.choice(spaces, size=min(2, spaces), replace=False)
    weights[0, chosen] = generator.uniform(_FAINTEST, 1, len(chosen))
    return weights


def _references(spaces: int, generator: np.random.Generator) -> Weights:
    return generator.dirichlet(np.ones(spaces), size=REFERENCES)


def _contrast(spaces: int, generator: np.random.Generator) -> Weights:
    weights = np.zeros((2, spaces))
    weights[0] = 1
    weights[1, generator.integers(spaces)] = -1
    return weights


PATTERNS: Mapping[str, Callable[[int, np.random.Generator], Weights]] = {
    "uniform": _uniform,
    "dirichlet": _dirichlet,
    "skewed": _skewed,
    "two spaces": _two_spaces,
    "references": _references,
    "contrast": _contrast,
}
"""Those that weigh several spaces."""


def queries(pattern: str, sources: Vectors, spaces: Sequence[slice], generator: np.random.Generator) -> Vectors:
    """Return (Q, D) queries that each take the next references of (Q · ``REFERENCES``, D) sources."""
    groups = sources.reshape(-1, REFERENCES, sources.shape[1])
    return np.stack([_query(PATTERNS[pattern](len(spaces), generator), group, spaces) for group in groups])


def _query(weights: Weights, sources: Vectors, spaces: Sequence[slice]) -> Vectors:
    by_dimension = np.repeat(weights, [space.stop - space.start for space in spaces], axis=1)
    query: Vectors = (by_dimension * sources[: len(weights)]).sum(axis=0).astype(np.float32)
    return query


def alone(space: slice, sources: Vectors) -> Vectors:
    """Return (Q, D) queries that ask one space of the first of each group of ``REFERENCES`` sources."""
    only = np.zeros_like(sources[::REFERENCES])
    only[:, space] = sources[::REFERENCES, space]
    return only
