import numpy as np
import pytest

from models.metrics.clusters import ceiling, floor, matched
from models.metrics.dci import completeness, disentanglement


def test_clusters_that_are_the_classes_under_other_numbers_match_wholly():
    classes = np.array([0, 0, 1, 2, 2, 2])
    assert matched((classes + 1) % 3, classes).all()


def test_a_class_without_a_cluster_does_not_count():
    classes = np.array([0] * 5 + [1] * 3 + [2] * 2)
    assert matched(np.minimum(classes, 1), classes).mean() == ceiling(classes, 2) == 0.8


def test_seven_of_ten_equal_classes_have_a_ceiling_of_seventy_percent():
    assert ceiling(np.repeat(np.arange(10), 100), 7) == 0.7


def test_clusters_that_hold_all_classes_alike_come_down_to_the_floor():
    classes, clusters = (part.ravel() for part in np.meshgrid(np.arange(4), np.arange(7)))
    assert matched(clusters, classes).mean() == pytest.approx(floor(4, 7))


def test_a_diagonal_is_disentangled_and_complete():
    assert disentanglement(np.eye(5)[None]) == completeness(np.eye(5)[None]) == 1


def test_importances_all_alike_are_neither():
    assert disentanglement(np.ones((1, 3, 4))) == pytest.approx(0)
    assert completeness(np.ones((1, 3, 4))) == pytest.approx(0)


def test_one_space_that_predicts_all_is_complete_and_not_disentangled():
    alone = np.zeros((1, 3, 4))
    alone[0, 1] = 0.7
    assert disentanglement(alone) == pytest.approx(0)
    assert completeness(alone) == 1


def test_spaces_count_by_their_importance():
    mixed = np.array([[[0.9, 0.0], [0.05, 0.05]]])
    assert disentanglement(mixed) == pytest.approx(0.9)


def test_nothing_predicted_or_nothing_to_choose_has_no_value():
    assert np.isnan(disentanglement(np.zeros((1, 2, 2))))
    assert np.isnan(disentanglement(np.ones((1, 2, 1))))
    assert np.isnan(completeness(np.ones((1, 1, 2))))
