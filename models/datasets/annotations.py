"""When two tracks have enough annotations in common to count as alike (paper 004, section 5.1.1)."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.datasets.track import LabelledTrack

MIN_JACCARD = 0.5
"""Paper 004 says "enough annotations in common" and no more; the threshold is ours."""

Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]


def annotations(track: LabelledTrack) -> frozenset[str]:
    """All that is said of a track, whatever the dimension."""
    said = (f"{dimension}:{tag}" for dimension, tags in track.tags.items() for tag in tags)
    return track.free_tags.union(said)


def codes(labels: Sequence[Hashable]) -> Indices:
    """(N,) equal numbers for equal labels."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.intp)


def tag_matrix(sets: Sequence[frozenset[str]]) -> sparse.csr_array:
    """(N, Z) float32, 1 where a track has a tag."""
    ordered = [sorted(tags) for tags in sets]
    columns = codes([tag for tags in ordered for tag in tags])
    starts = np.cumsum([0, *map(len, ordered)])
    shape = (len(ordered), int(columns.max(initial=-1)) + 1)
    return sparse.csr_array((np.ones(len(columns), np.float32), columns, starts), shape=shape)


def shared_tags(tags: sparse.csr_array, rows: Indices) -> NDArray[np.float32]:
    """(B, N) how many tags each of some tracks shares with each."""
    shared: NDArray[np.float32] = (tags[rows] @ tags.T).toarray()
    return shared


def alike_in_annotations(tags: sparse.csr_array, rows: Indices, min_jaccard: float = MIN_JACCARD) -> Bools:
    """(B, N) where the Jaccard index of two tracks' tags is at least ``min_jaccard``; also where neither has any.

    a·b / (|a| + |b| − a·b) ≥ θ is written without the division, which two empty sets would not survive.
    """
    sizes = tags.sum(axis=1)
    alike: Bools = shared_tags(tags, rows) * (1 + min_jaccard) >= min_jaccard * (sizes[rows, None] + sizes)
    return alike
