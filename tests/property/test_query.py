"""The algebra against its definition, written out in Python floats."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain import Space, Vectors
from app.errors import InvalidQuery
from app.query import Query, compose, inner_products, weight_faults, weight_matrix

RESIDUE = 1e-6
"""What float32 leaves of a score; the algebra itself is in float64."""

weight = st.floats(-4, 4, allow_nan=False).filter(lambda w: w == 0 or abs(w) > 1e-3)
positive_weight = st.floats(1e-3, 4)


@dataclass(frozen=True)
class Case:
    spaces: tuple[Space, ...]
    sources: Vectors
    terms: list[dict[str, float] | None]
    scale: dict[str, float]
    tracks: Vectors

    def query(self) -> Query:
        return compose(self.spaces, self.sources, weight_matrix(self.terms, self.spaces), self.scale)


def unit_rows(seed: int, count: int, spaces: tuple[Space, ...], *, share_absent: float) -> Vectors:
    rng = np.random.default_rng(seed)
    parts = []
    for space in spaces:
        part = rng.standard_normal((count, space.dimension))
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        part[rng.random(count) < share_absent] = 0
        parts.append(part)
    return np.concatenate(parts, axis=1).astype(np.float32)


@st.composite
def cases(draw: st.DrawFn, weights: st.SearchStrategy[float] = weight, share_absent: float = 0.2) -> Case:
    widths = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    spaces = tuple(Space(f"s{index}", width) for index, width in enumerate(widths))
    count = draw(st.integers(1, 3))
    by_space = st.dictionaries(st.sampled_from([space.name for space in spaces]), weights, min_size=1)
    terms = draw(st.lists(st.none() | by_space, min_size=count, max_size=count))
    assume(any(given is None or any(given.values()) for given in terms))
    seed = draw(st.integers(0, 2**32 - 1))
    return Case(
        spaces,
        unit_rows(seed, count, spaces, share_absent=share_absent),
        terms,
        {space.name: draw(st.floats(0.5, 50)) for space in spaces},
        unit_rows(seed + 1, 12, spaces, share_absent=share_absent),
    )


def brute_force(case: Case, track: Vectors) -> float:
    """score(y) as app/query.py writes it: no matrices, no float32."""
    above = below = 0.0
    start = 0
    for space in case.spaces:
        c = case.scale[space.name]
        for source, given_weights in zip(case.sources, case.terms, strict=True):
            w = 1.0 if given_weights is None else given_weights.get(space.name, 0.0)
            places = range(start, start + space.dimension)
            above += c * w * sum(float(source[d]) * float(track[d]) for d in places)
            below += c * abs(w)
        start += space.dimension
    return above / below


def query_or_reject(case: Case) -> Query:
    try:
        return case.query()
    except InvalidQuery:
        assume(False)
        raise


@given(cases())
def test_scores_are_those_of_the_brute_force_definition(case: Case) -> None:
    query = query_or_reject(case)
    expected = [brute_force(case, track) for track in case.tracks]
    np.testing.assert_allclose(query.scores(case.tracks), expected, atol=RESIDUE)


@given(cases())
def test_the_order_is_that_of_the_brute_force_definition(case: Case) -> None:
    query = query_or_reject(case)
    expected = np.array([brute_force(case, track) for track in case.tracks])
    found = np.argsort(-query.scores(case.tracks), kind="stable")
    falls = -np.diff(expected[found])
    assert (falls > -2 * RESIDUE).all()


@given(cases(weights=positive_weight, share_absent=0))
def test_an_identical_track_scores_one_under_positive_weights(case: Case) -> None:
    alone = Case(case.spaces, case.sources[:1], case.terms[:1], case.scale, case.sources[:1])
    assert alone.query().scores(alone.tracks)[0] == pytest.approx(1, abs=RESIDUE)


@given(cases(share_absent=0), st.integers(0, 3))
def test_a_masked_space_does_not_touch_the_result(case: Case, choice: int) -> None:
    assume(len(case.spaces) > 1)
    masked = case.spaces[choice % len(case.spaces)]
    start = sum(space.dimension for space in case.spaces[: choice % len(case.spaces)])
    terms = [{**_spelled_out(given_weights, case.spaces), masked.name: 0.0} for given_weights in case.terms]
    assume(any(any(given_weights.values()) for given_weights in terms))
    before = query_or_reject(Case(case.spaces, case.sources, terms, case.scale, case.tracks))
    other_sources, other_tracks = case.sources.copy(), case.tracks.copy()
    other_sources[:, start : start + masked.dimension] *= -0.5
    other_tracks[:, start : start + masked.dimension] = 0.7
    after = compose(
        case.spaces, other_sources, weight_matrix(terms, case.spaces), {**case.scale, masked.name: 17.0}
    )
    np.testing.assert_array_equal(before.vector, after.vector)
    np.testing.assert_array_equal(before.scores(case.tracks), after.scores(other_tracks))
    assert after.weights()[masked.name] == 0


def _spelled_out(weights: dict[str, float] | None, spaces: tuple[Space, ...]) -> dict[str, float]:
    return {space.name: 1.0 if weights is None else weights.get(space.name, 0.0) for space in spaces}


@given(cases())
def test_contributions_sum_to_the_score(case: Case) -> None:
    query = query_or_reject(case)
    contributions = query.contributions(case.tracks)
    assert contributions.shape == (len(case.tracks), len(case.spaces))
    np.testing.assert_allclose(contributions.sum(axis=1), query.scores(case.tracks), atol=1e-12)


@given(cases())
def test_an_explanation_says_similarity_times_weight_by_space(case: Case) -> None:
    query = query_or_reject(case)
    shares = query.explain(case.tracks[:1])[0]
    assert sum(share.contribution for share in shares.values()) == pytest.approx(
        query.scores(case.tracks)[0], abs=1e-12
    )
    for share in shares.values():
        assert -1 <= share.similarity <= 1
        assert share.similarity * share.weight == pytest.approx(share.contribution, abs=RESIDUE)


@given(cases())
def test_shares_sum_to_one_in_magnitude(case: Case) -> None:
    assert np.abs(query_or_reject(case).shares).sum() == pytest.approx(1)


@given(cases(), st.floats(1e-6, 1e6))
def test_the_scale_of_the_weights_does_not_matter(case: Case, factor: float) -> None:
    scaled = [
        {name: factor * value for name, value in _spelled_out(given_weights, case.spaces).items()}
        for given_weights in case.terms
    ]
    query = query_or_reject(case)
    again = compose(case.spaces, case.sources, weight_matrix(scaled, case.spaces), case.scale)
    np.testing.assert_allclose(again.vector, query.vector, atol=RESIDUE)


@given(cases(share_absent=0))
def test_a_query_is_linear_in_its_terms(case: Case) -> None:
    """Undo the normaliser, and the query of all terms is the sum of the queries of each."""
    whole = query_or_reject(case)
    matrix = weight_matrix(case.terms, case.spaces)
    c = np.array([case.scale[space.name] for space in case.spaces])
    total = np.zeros(case.sources.shape[1])
    for source, row in zip(case.sources, matrix, strict=True):
        if row.any():
            alone = compose(case.spaces, source[np.newaxis], row[np.newaxis], case.scale)
            total += alone.vector * (c * np.abs(row)).sum()
    np.testing.assert_allclose(whole.vector * (c * np.abs(matrix)).sum(), total, atol=1e-4)


@given(cases())
def test_a_track_absent_in_a_space_gets_nothing_from_it(case: Case) -> None:
    query = query_or_reject(case)
    absent = case.tracks.copy()
    absent[:, : case.spaces[0].dimension] = 0
    assert (query.contributions(absent)[:, 0] == 0).all()


@given(cases())
def test_a_track_absent_in_every_weighed_space_is_known_as_absent(case: Case) -> None:
    query = query_or_reject(case)
    tracks = case.tracks.copy()
    start = 0
    for space, share in zip(case.spaces, query.shares, strict=True):
        if share != 0:
            tracks[0, start : start + space.dimension] = 0
        start += space.dimension
    assert query.absent(tracks)[0]
    assert query.scores(tracks)[0] == 0


@given(cases())
def test_products_of_weighed_vectors_are_similarities_in_the_measure_of_the_query(case: Case) -> None:
    query = query_or_reject(case)
    weighed = query.weigh(unit_rows(7, 5, case.spaces, share_absent=0))
    products = weighed @ weighed.T
    np.testing.assert_allclose(np.diag(products), 1, atol=1e-5)
    assert (np.abs(products) <= 1 + 1e-5).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 40))
def test_equal_rows_have_equal_products_wherever_they_stand(seed: int, count: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    row = rng.standard_normal((1, width)).astype(np.float32)
    query = rng.standard_normal(width).astype(np.float32)
    assert len(set(inner_products(np.repeat(row, count, axis=0), query))) == 1


@given(cases(), st.sampled_from([float("nan"), float("inf"), float("-inf")]))
def test_a_weight_that_is_not_finite_is_always_refused(case: Case, value: float) -> None:
    terms = [*case.terms, {case.spaces[0].name: value}]
    with pytest.raises(InvalidQuery, match="finite"):
        weight_matrix(terms, case.spaces)
    assert [fault.place for fault in weight_faults(terms, case.spaces)] == [
        f"terms.{len(case.terms)}.weights.{case.spaces[0].name}"
    ]
