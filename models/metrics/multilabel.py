"""How much of what a query is tagged with its nearest neighbours carry."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.metrics.ordering import Bools, Indices, Ordering, counts_before

Doubles = NDArray[np.float64]


def multilabel_recall(
    ordering: Ordering, candidates: Bools, tags: sparse.csr_array, own: sparse.csr_array, ks: Sequence[int]
) -> dict[int, Doubles]:
    """R@K = |y_q ∩ ∪_{i ≤ K} y_i| / |y_q| (Lee et al., ISMIR 2020, section 4.3).

    Ties are resolved in expectation: where m of the K places fall to n candidates that are equally near, c of them
    with a tag, all m miss it with probability C(n − c, m) / C(n, m). With fewer candidates than K all are taken.

    Args:
        ordering: Of N tracks by their similarity to B queries.
        candidates: (B, N) which are ranked.
        tags: (N, Z) 1 where a track has a tag.
        own: (B, Z) likewise for the queries.
        ks: Depths.

    Returns:
        (B,) by depth; NaN for queries without a tag or without candidates.
    """
    among = np.take_along_axis(candidates, ordering.tracks, axis=1)
    asked = own.toarray() > 0
    sizes = asked.sum(1) * (among.any(1))
    recall = {}
    for k in ks:
        hit = asked * (1 - _chance_to_miss(ordering, among, tags, k))
        recall[k] = np.divide(hit.sum(1), sizes, out=np.full(len(asked), np.nan), where=sizes > 0)
    return recall


def _chance_to_miss(ordering: Ordering, among: Bools, tags: sparse.csr_array, k: int) -> Doubles:
    """(B, Z) probability that none of the k nearest candidates has a tag."""
    ranked = counts_before(among)
    last = (ranked >= np.minimum(k, ranked[:, -1:])).argmax(1) - 1  # place of the k-th candidate
    lists = np.arange(len(among))
    first, after = ordering.first[lists, last, None], ordering.after[lists, last, None]
    width = int(after.max(initial=0))
    places, near = np.arange(width), among[:, :width]
    above = _count_tags(ordering, near & (places < first), tags)
    tied = _count_tags(ordering, near & (places >= first) & (places < after), tags)
    start, end = ranked[lists, first[:, 0], None], ranked[lists, after[:, 0], None]
    missed: Doubles = np.where(above == 0, 1.0, 0.0)
    for drawn in range(k):
        left = end - start - drawn
        open_place = (start + drawn < k) & (left > 0)
        missed *= np.where(open_place, (left - tied).clip(0) / np.maximum(left, 1), 1)
    return missed


def _count_tags(ordering: Ordering, taken: Bools, tags: sparse.csr_array) -> Indices:
    """(B, Z) how many of the tracks taken, by place, have each tag."""
    queries, places = np.nonzero(taken)
    starts = np.concatenate([[0], np.cumsum(taken.sum(1))])
    members = sparse.csr_array(
        (np.ones(len(places), np.float32), ordering.tracks[queries, places], starts),
        shape=(len(taken), tags.shape[0]),
    )
    counts: Indices = (members @ tags).toarray().astype(np.intp)
    return counts
