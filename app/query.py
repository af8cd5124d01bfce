"""The query algebra (docs/decisions/0001): every query is one vector. Pure NumPy, no IO.

An encoder with spaces s gives each track y one vector per space, y_s, of unit length, or zero where the space
does not apply. A query has terms t, each with a source x_t and a weight w_ts per space, negative for contrast. A
source is a track, a clip, a part of one, or a tag: its direction in one space, zero and masked in all others.

    q_s      = c_s Σ_t w_ts x_ts / Z
    Z        = Σ_s c_s Σ_t |w_ts|
    score(y) = Σ_s ⟨q_s, y_s⟩

The weights stand on the query's side alone, so one inner product with the stored vectors answers every weighting
exactly, and the addends, over s or over t, are the explanation. c_s scales a space, for tags as for tracks: 1
divided by the deviation of its cosines between random pairs, or 1 without calibration.

Axis letters: N tracks, T terms, S spaces, D dimensions of all spaces side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from app.domain import Space, Vectors
from app.errors import Fault, InvalidQuery
from app.retrieval import SpaceShare

Doubles = NDArray[np.float64]
Weights = Mapping[str, float] | None

_CANCELLED = 1e-9
"""A query smaller than this in every dimension is what rounding leaves of terms that cancel each other out."""


def inner_products(vectors: Vectors, query: Vectors) -> Doubles:
    """Inner product of each row of (N, D) with (D,), by the definition: in float64, row by row.

    Equal rows have equal results wherever they stand, which a BLAS product does not promise; ties depend on it.
    """
    products: Doubles = np.multiply(vectors, query, dtype=np.float64, order="C").sum(axis=1)
    return products


def weight_faults(terms: Sequence[Weights], spaces: Sequence[Space]) -> list[Fault]:
    """Return everything that is wrong with the weights of a query's terms, by place."""
    if not terms:
        return [Fault("terms", "The query has no terms; give at least one track, clip or tag to compare with.")]
    known = {space.name for space in spaces}
    faults = [
        fault for index, weights in enumerate(terms) for fault in _faults_of_term(index, weights, known, spaces)
    ]
    if not faults and all(_is_zero(weights) for weights in terms):
        return [Fault("terms", f"All weights are zero; weigh at least one of {_names(spaces)}.")]
    return faults


def _faults_of_term(index: int, weights: Weights, known: set[str], spaces: Sequence[Space]) -> list[Fault]:
    faults = []
    for name, weight in (weights or {}).items():
        place = f"terms.{index}.weights.{name}"
        if name not in known:
            faults.append(Fault(place, f"There is no space {name!r}; the encoder's spaces are {_names(spaces)}."))
        elif not np.isfinite(weight):
            faults.append(Fault(place, f"The weight is {weight}; it must be a finite number."))
    return faults


def _is_zero(weights: Weights) -> bool:
    return weights is not None and not any(weights.values())


def _names(spaces: Sequence[Space]) -> str:
    return ", ".join(space.name for space in spaces)


def weight_matrix(terms: Sequence[Weights], spaces: Sequence[Space]) -> Doubles:
    """Return w_ts as (T, S), scaled so that the largest magnitude is 1 (the scale never matters).

    ``None`` is 1 for every space; a space left out of given weights is 0.

    Raises:
        InvalidQuery: No terms, an unknown space, a weight that is not finite, or nothing but zeros.
    """
    if faults := weight_faults(terms, spaces):
        raise InvalidQuery(" ".join(fault.message for fault in faults), faults)
    matrix = np.array([[_weight_of(weights, space) for space in spaces] for weights in terms], dtype=np.float64)
    scaled: Doubles = matrix / np.abs(matrix).max()
    return scaled


def _weight_of(weights: Weights, space: Space) -> float:
    return 1.0 if weights is None else float(weights.get(space.name, 0.0))


def _widths(spaces: Sequence[Space]) -> list[int]:
    return [space.dimension for space in spaces]


@dataclass(frozen=True, slots=True)
class Query:
    """A query ready for an index.

    Attributes:
        spaces: Those of the encoder, in order.
        vector: (D,) q, the normaliser Z divided out, so that an index's inner product is the score.
        shares: (S,) c_s Σ_t |w_ts| / Z: how much each space counts; magnitudes sum to 1. Negative where no term
            asks for the space positively and at least one asks for contrast.
        term_shares: (T, S) c_s w_ts / Z: magnitudes sum to 1.
        addends: (T, D) what each term adds to the vector.
        sources: (T, D) the terms' vectors, x.
        scale: (S,) c.
    """

    spaces: tuple[Space, ...]
    vector: Vectors
    shares: Doubles
    term_shares: Doubles
    addends: Doubles
    sources: Vectors
    scale: Doubles

    def contributions(self, vectors: Vectors) -> Doubles:
        """Return (N, S): what each space adds to the score of each of (N, D) vectors, in float64."""
        return self._by_space(vectors, self.vector)

    def cosines(self, term: int, vectors: Vectors) -> Doubles:
        """Return (N, S): how alike a term's source and each of (N, D) vectors are in each space, weighed or not."""
        return self._by_space(vectors, self.sources[term])

    def _by_space(self, vectors: Vectors, asked: Vectors) -> Doubles:
        borders = [0, *np.cumsum(_widths(self.spaces)).tolist()]
        parts = [inner_products(vectors[:, start:end], asked[start:end]) for start, end in pairwise(borders)]
        return np.stack(parts, axis=1)

    def term_weights(self) -> Doubles:
        """Return (T, S) w_ts, the largest of magnitude 1."""
        weights = self.term_shares / self.scale
        scaled: Doubles = weights / np.abs(weights).max()
        return scaled

    def scores(self, vectors: Vectors) -> Doubles:
        """Return (N,) the scores of (N, D) vectors, in float64: for unit vectors in [-1, 1] up to rounding."""
        return inner_products(vectors, self.vector)

    def absent(self, vectors: Vectors) -> NDArray[np.bool_]:
        """Return (N,) which of (N, D) vectors are zero in every space that the query weighs.

        Their score of 0 says nothing about them.
        """
        weighed = np.repeat(self.shares != 0, _widths(self.spaces))
        missing: NDArray[np.bool_] = np.logical_not(np.any(vectors[:, weighed], axis=1))
        return missing

    def weigh(self, vectors: Vectors) -> Vectors:
        """Scale (N, D) so that inner products between rows are similarities in the query's own measure.

        Each space counts by the magnitude of its share; the result lies in [-1, 1] for unit vectors.
        """
        return weighed(vectors, self.spaces, self.shares)

    def weights(self) -> dict[str, float]:
        """Return the shares by space."""
        return {space.name: float(share) for space, share in zip(self.spaces, self.shares, strict=True)}

    def explain(self, vectors: Vectors) -> list[dict[str, SpaceShare]]:
        """Return by space what it says of each of (N, D) vectors; the contributions sum to its score.

        The residue is that of rounding: below 1e-12 against ``scores``, below 1e-6 against an index's float32.
        """
        shares = self.shares.tolist()
        return [
            {
                space.name: _space_share(contribution, share)
                for space, contribution, share in zip(self.spaces, contributions, shares, strict=True)
            }
            for contributions in self.contributions(vectors).tolist()
        ]

    def explain_term(self, term: int, vector: Vectors) -> SpaceShare:
        """Return what a term that weighs a single space, as a tag does, says of one (D,) vector.

        Its contribution is a part of that space's: those of all terms sum to the score.
        """
        contribution = np.multiply(self.addends[term], vector).sum()
        return _space_share(float(contribution), float(self.term_shares[term].sum()))


def weighed(vectors: Vectors, spaces: Sequence[Space], shares: Doubles) -> Vectors:
    """Scale (N, D) by the roots of (S,) shares: inner products between rows are similarities in their measure."""
    roots = np.repeat(np.sqrt(np.abs(shares)), _widths(spaces))
    scaled: Vectors = (vectors * roots).astype(np.float32)
    return scaled


def shares_of(
    weights: Mapping[str, float], spaces: Sequence[Space], scale: Mapping[str, float] | None = None
) -> Doubles:
    """Return (S,) what each space counts in a measure without references; they sum to 1.

    Args:
        weights: By space, none negative, some positive; a space left out is 0.
        spaces: Those of the encoder, in order.
        scale: As for ``compose``.
    """
    magnitudes = np.array(
        [weights.get(space.name, 0.0) * (1.0 if scale is None else scale[space.name]) for space in spaces]
    )
    shares: Doubles = magnitudes / magnitudes.sum()
    return shares


def _space_share(contribution: float, share: float) -> SpaceShare:
    similarity = contribution / share if share else 0.0
    return SpaceShare(similarity=min(1.0, max(-1.0, similarity)), weight=share, contribution=contribution)


def compose(
    spaces: Sequence[Space], sources: Vectors, weights: Doubles, scale: Mapping[str, float] | None = None
) -> Query:
    """Put a query together.

    Args:
        spaces: Those of the encoder, in order.
        sources: (T, D) the terms' vectors, x.
        weights: (T, S) as ``weight_matrix`` gives them, w.
        scale: c by space, positive; ``None`` is 1 for every space.

    Raises:
        InvalidQuery: The terms cancel out, or their sources are absent in every space that they weigh.
    """
    c = np.array([1.0 if scale is None else scale[space.name] for space in spaces], dtype=np.float64)
    magnitudes = c * np.abs(weights).sum(axis=0)
    total = magnitudes.sum()
    term_shares = weights * c / total
    by_dimension = np.repeat(term_shares, _widths(spaces), axis=1)
    addends: Doubles = np.multiply(by_dimension, sources, dtype=np.float64)
    vector = addends.sum(axis=0).astype(np.float32)
    if np.abs(vector).max() < _CANCELLED:
        message = (
            "The query's vector is zero: its terms cancel each other out, or its references have no vector in the "
            "spaces they weigh (silence has no key). Weigh other spaces or take other references."
        )
        raise InvalidQuery(message, [Fault("terms", message)])
    is_contrast = (weights.max(axis=0) <= 0) & (weights.min(axis=0) < 0)
    shares = np.where(is_contrast, -1.0, 1.0) * magnitudes / total
    return Query(tuple(spaces), vector, shares, term_shares, addends, sources, c)
