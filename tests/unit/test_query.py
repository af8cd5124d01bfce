import numpy as np
import pytest

from app.domain import Space
from app.errors import InvalidQuery
from app.query import compose, weight_faults, weight_matrix

SPACES = (Space("timbre", 2), Space("rhythm", 1))


def test_an_unknown_space_is_refused_with_the_names_of_those_there_are() -> None:
    with pytest.raises(InvalidQuery, match=r"no space 'mood'; .* timbre, rhythm") as caught:
        weight_matrix([{"mood": 1.0}], SPACES)
    assert [fault.place for fault in caught.value.faults] == ["terms.0.weights.mood"]


def test_all_faults_of_all_terms_are_reported_together() -> None:
    faults = weight_faults([{"mood": 1.0, "timbre": float("nan")}, {"era": 1.0}], SPACES)
    assert [fault.place for fault in faults] == [
        "terms.0.weights.mood",
        "terms.0.weights.timbre",
        "terms.1.weights.era",
    ]


@pytest.mark.parametrize("terms", [[{"timbre": 0.0}], [{}], [{"timbre": 0.0}, {"rhythm": 0.0}]])
def test_weights_that_are_all_zero_are_refused(terms: list[dict[str, float]]) -> None:
    with pytest.raises(InvalidQuery, match="All weights are zero"):
        weight_matrix(terms, SPACES)


def test_a_query_without_terms_is_refused() -> None:
    with pytest.raises(InvalidQuery, match="no terms"):
        weight_matrix([], SPACES)


def test_no_weights_mean_one_for_every_space_and_a_space_left_out_is_masked() -> None:
    np.testing.assert_array_equal(weight_matrix([None, {"rhythm": 0.5}], SPACES), [[1, 1], [0, 0.5]])


def test_weights_near_the_ends_of_the_number_range_are_as_good_as_others() -> None:
    for factor in (1e308, 1e-320):
        np.testing.assert_allclose(weight_matrix([{"timbre": factor, "rhythm": -factor}], SPACES), [[1, -1]])


def test_terms_that_cancel_each_other_out_are_refused() -> None:
    source = np.array([[0.6, 0.8, 1.0]] * 2, dtype=np.float32)
    with pytest.raises(InvalidQuery, match="cancel"):
        compose(SPACES, source, weight_matrix([None, {"timbre": -1.0, "rhythm": -1.0}], SPACES))


def test_a_reference_absent_in_every_weighed_space_is_refused() -> None:
    source = np.array([[0.6, 0.8, 0.0]], dtype=np.float32)
    with pytest.raises(InvalidQuery, match="no vector in the spaces"):
        compose(SPACES, source, weight_matrix([{"rhythm": 1.0}], SPACES))


def test_a_space_weighed_by_contrast_alone_has_a_negative_share() -> None:
    source = np.array([[0.6, 0.8, 1.0]], dtype=np.float32)
    query = compose(SPACES, source, weight_matrix([{"timbre": 3.0, "rhythm": -1.0}], SPACES))
    assert query.weights() == {"timbre": 0.75, "rhythm": -0.25}
    share = query.explain(source)[0]["rhythm"]
    assert (share.similarity, share.weight, share.contribution) == pytest.approx((1, -0.25, -0.25))


def test_calibration_gives_a_space_of_small_deviation_its_influence_back() -> None:
    source = np.array([[0.6, 0.8, 1.0]], dtype=np.float32)
    query = compose(SPACES, source, weight_matrix([None], SPACES), {"timbre": 1 / 0.3, "rhythm": 1 / 0.1})
    assert query.weights() == pytest.approx({"timbre": 0.25, "rhythm": 0.75})


def test_a_masked_space_counts_zero_and_not_minus_zero() -> None:
    query = compose(SPACES, np.ones((1, 3), dtype=np.float32), weight_matrix([{"timbre": 1.0}], SPACES))
    assert not np.signbit(query.shares).any()
