"""Where the relevant candidates of a query stand when all are sorted by similarity: what ranking measures need.

Equal similarities are ties. Of a tie only its place and its size are kept, never who came first in storage, so that
measures can give their expected value over all orders of what is tied (McSherry and Najork, ECIR 2008).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import EvaluationImpossible

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Ordering:
    """N tracks by falling similarity to each of B queries.

    Attributes:
        tracks: (B, N) who stands at each place.
        first: (B, N) first place of what is tied with it.
        after: (B, N) place after the last that is tied with it.
    """

    tracks: Indices
    first: Indices
    after: Indices


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where M relevant candidates of B queries stand among the candidates.

    Attributes:
        query: (M,) whose it is, 0 to B − 1, ascending.
        above: (M,) candidates nearer to the query.
        tied: (M,) candidates as near, itself included.
        relevant_above: (M,) the relevant ones among ``above``.
        relevant_tied: (M,) the relevant ones among ``tied``.
        relevant: (B,) relevant candidates of each query.
    """

    query: Indices
    above: Indices
    tied: Indices
    relevant_above: Indices
    relevant_tied: Indices
    relevant: Indices


def order(similarity: Floats) -> Ordering:
    """Sort (B, N) similarities.

    Raises:
        EvaluationImpossible: Some are not finite.
    """
    refuse_infinite(similarity)
    tracks = np.argsort(-similarity, axis=1)
    ranked = np.take_along_axis(similarity, tracks, axis=1)
    places = np.arange(similarity.shape[1])
    differs = ranked[:, 1:] != ranked[:, :-1]
    edge = np.ones((len(similarity), 1), np.bool_)
    first = np.maximum.accumulate(np.where(np.hstack([edge, differs]), places, 0), axis=1)
    ends = np.where(np.hstack([differs, edge]), places + 1, len(places))
    after = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    return Ordering(tracks, first, after)


def stand(ordering: Ordering, relevant: Bools, candidates: Bools) -> Standing:
    """Find the relevant candidates of each query.

    Args:
        ordering: Of N tracks by their similarity to B queries.
        relevant: (B, N) which are to be found; those that are no candidates do not count.
        candidates: (B, N) which are ranked.
    """
    among = np.take_along_axis(candidates, ordering.tracks, axis=1)
    hits = np.take_along_axis(relevant, ordering.tracks, axis=1) & among
    query, place = np.nonzero(hits)
    first, after = ordering.first[query, place], ordering.after[query, place]
    ranked, found = counts_before(among), counts_before(hits)
    above, relevant_above = ranked[query, first], found[query, first]
    tied, relevant_tied = ranked[query, after] - above, found[query, after] - relevant_above
    return Standing(query, above, tied, relevant_above, relevant_tied, found[:, -1])


def counts_before(marks: Bools) -> Indices:
    """(B, N + 1) how many of (B, N) marks stand before each place."""
    counts = np.zeros((marks.shape[0], marks.shape[1] + 1), np.intp)
    np.cumsum(marks, axis=1, out=counts[:, 1:])
    return counts


def refuse_infinite(similarity: Floats) -> None:
    """Similarities that cannot be compared say nothing; a measure of them would look like a figure.

    Raises:
        EvaluationImpossible: Some are NaN or infinite.
    """
    finite = np.isfinite(similarity)
    if not finite.all():
        wrong = finite.size - np.count_nonzero(finite)
        raise EvaluationImpossible(
            f"{wrong} of {finite.size} similarities are NaN or infinite; a system has to give finite vectors"
        )
