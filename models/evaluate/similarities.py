"""Similarities as every question compares them: by system and space, in float32, for some tracks at a time."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.datasets.track import Dataset
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Embedded, Floats, Indices
from models.evaluate.report import COMPLETE, RANDOM, WORST

BLOCK_ROWS = 256
NO_DISTANCE = 1e-6
"""Of the longest vector: a difference of two squares leaves the root of a double's precision, some 1e-8."""


def check_systems(dataset: Dataset, systems: Sequence[Embedded]) -> None:
    """Every system has a name of its own, and a vector of finite numbers per track.

    Raises:
        EvaluationImpossible: It says which has not.
    """
    names = [system.system for system in systems]
    for system in systems:
        if len(system) != len(dataset):
            raise EvaluationImpossible(f"{system.system} has {len(system)} vectors for {len(dataset)} tracks")
        if not np.isfinite(system.vectors).all():
            raise EvaluationImpossible(f"{system.system} has vectors that are not finite")
        if names.count(system.system) > 1 or system.system in {RANDOM, WORST}:
            raise EvaluationImpossible(f"two rows would be called {system.system}: every system needs its own name")


def spaces_of(system: Embedded) -> dict[str, str | None]:
    """What ``similarity`` takes, by the name that reports print; a single sub-space is the complete space."""
    subspaces = {name: name for name in system.spaces} if len(system.spaces) > 1 else {}
    return {COMPLETE: None, **subspaces}


def similarity(system: Embedded, rows: Indices, space: str | None = None) -> Floats:
    """(B, N) similarity of some tracks to all.

    In float32, the precision of the vectors, so that equal vectors are equally near whatever the last bits of a
    matrix product say; distances that are nothing beside the vectors' length are 0 for the same reason.
    """
    found = system.similarity(rows, space).astype(np.float32)
    if system.metric == "euclidean":
        length = np.linalg.norm(system.features(space), axis=1).max(initial=0)
        found[found > -NO_DISTANCE * length] = 0
    return found


def pair_similarity(system: Embedded, one: Indices, other: Indices, space: str | None = None) -> Floats:
    """(P,) similarity of pairs of tracks, given by their numbers."""
    found = np.empty(len(one), np.float32)
    by_first = np.argsort(one, kind="stable")
    for rows in blocks(np.unique(one)):
        start, end = np.searchsorted(one[by_first], [rows[0], rows[-1] + 1])
        pairs = by_first[start:end]
        found[pairs] = similarity(system, rows, space)[np.searchsorted(rows, one[pairs]), other[pairs]]
    return found


def blocks(rows: NDArray[np.intp]) -> Iterator[Indices]:
    """Some at a time, so that (B, N) arrays stay small."""
    return (rows[start : start + BLOCK_ROWS] for start in range(0, len(rows), BLOCK_ROWS))
