"""What happens to candidates after retrieval, always on exact scores."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from app.domain import Vectors
from app.filters import fold_text

SURE = 1e-6
"""Scores closer than this are the same as far as float32 can tell."""


def diversify(relevance: Vectors, weighed: Vectors, diversity: float, k: int) -> list[int]:
    """Choose k candidates by maximal marginal relevance (Carbonell and Goldstein, 1998, equation 1).

    Each next one is argmax λ relevance - (1 - λ) max similarity to those already chosen, λ = 1 - diversity;
    ties go to the earlier candidate.

    Args:
        relevance: (N,) similarity to the query, falling.
        weighed: (N, D) vectors whose inner products are similarities in the query's measure (``Query.weigh``).
        diversity: 0 (order of relevance) to 1 (as unlike each other as possible, after the first).
        k: How many, at most.

    Returns:
        Places of the chosen, in the order of choice.
    """
    if not len(relevance):
        return []
    chosen = [0]
    redundancy = weighed @ weighed[0]
    while len(chosen) < min(k, len(relevance)):
        merit = (1 - diversity) * relevance - diversity * redundancy
        merit[chosen] = -np.inf
        chosen.append(int(np.argmax(merit)))
        redundancy = np.maximum(redundancy, weighed @ weighed[chosen[-1]])
    return chosen


def within_artist_limit(numbers: Iterable[int], artists: Mapping[int, str | None], limit: int | None) -> list[int]:
    """Return the places of the tracks whose artists are known, at most ``limit`` by one artist, the first ones.

    Artists are compared without case; tracks without artist are not counted.
    """
    seen: Counter[str] = Counter()
    places = []
    for place, number in enumerate(numbers):
        if number not in artists:
            continue
        artist = fold_text(artists[number] or "").strip()
        seen[artist] += 1
        if limit is None or not artist or seen[artist] <= limit:
            places.append(place)
    return places


def percentiles(scores: Vectors, background: Vectors) -> Vectors:
    """Return for each score the share, in percent, of background scores below it."""
    below = np.searchsorted(np.sort(background), scores - SURE, side="left")
    shares: Vectors = (100.0 * below / max(1, len(background))).astype(np.float32)
    return shares
