"""Analytic anchors of lists of three similar and three dissimilar (protocol of paper 004), and what is refused."""

import numpy as np
import pytest

from models.errors import EvaluationImpossible
from models.metrics.ordering import order, stand
from models.metrics.ranking import average_precision, ndcg, precision, reciprocal_rank
from models.metrics.triplet import ordered_right

RELEVANT = np.array([[True, True, True, False, False, False]])
EVERYONE = np.ones_like(RELEVANT)
BEST, WORST, CONSTANT = RELEVANT.astype(float), -RELEVANT.astype(float), np.zeros((1, 6))


def measures(similarity):
    standing = stand(
        order(similarity), np.repeat(RELEVANT, len(similarity), 0), np.repeat(EVERYONE, len(similarity), 0)
    )
    values = ndcg(standing, 1), ndcg(standing, 6), average_precision(standing)
    pairs = ordered_right(similarity[:, :3, None], similarity[:, None, 3:]).mean((1, 2))
    return np.stack([*values, pairs])


@pytest.mark.parametrize(
    ("similarity", "anchors"),
    [
        (CONSTANT, (0.5, 0.7754, 0.645, 0.5)),
        (WORST, (0, 0.5508, 0.3833, 0)),
        (BEST, (1, 1, 1, 1)),
    ],
    ids=["by chance", "worst", "best"],
)
def test_lists_of_six_have_their_analytic_values(similarity, anchors):
    np.testing.assert_allclose(measures(similarity)[:, 0], anchors, atol=5e-5)


def test_random_similarities_come_to_the_value_of_chance():
    drawn = np.random.default_rng(0).random((20_000, 6))
    np.testing.assert_allclose(measures(drawn).mean(1), (0.5, 0.7754, 0.645, 0.5), atol=0.01)


def test_a_tie_counts_half_in_a_comparison():
    assert ordered_right(np.array([2.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0])).tolist() == [1.0, 0.5, 0.0]


def test_first_place_counts_whole_and_later_places_by_their_number():
    similarity = np.array([[0.1, 0.9, 0.5, 0.3]])
    relevant = np.array([[True, False, False, True]])
    standing = stand(order(similarity), relevant, np.ones_like(relevant))
    assert reciprocal_rank(standing)[0] == pytest.approx(1 / 3)
    assert precision(standing, 3)[0] == pytest.approx(1 / 3)


def test_what_is_no_candidate_takes_no_place():
    similarity = np.array([[0.9, 0.8, 0.7]])
    relevant = np.array([[True, False, True]])
    standing = stand(order(similarity), relevant, np.array([[False, False, True]]))
    assert average_precision(standing)[0] == 1
    assert standing.relevant.tolist() == [1]


def test_a_query_without_anything_relevant_has_no_value():
    standing = stand(order(CONSTANT), ~EVERYONE, EVERYONE)
    for value in (
        average_precision(standing),
        ndcg(standing, 3),
        reciprocal_rank(standing),
        precision(standing, 1),
    ):
        assert np.isnan(value).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_similarities_that_are_not_finite_are_refused(wrong):
    similarity = np.array([[0.5, wrong]])
    with pytest.raises(EvaluationImpossible, match="1 of 2 similarities are NaN or infinite"):
        order(similarity)
    with pytest.raises(EvaluationImpossible, match="NaN or infinite"):
        ordered_right(similarity, np.zeros((1, 2)))
