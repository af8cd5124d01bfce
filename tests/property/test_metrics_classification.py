"""Weighted measures of classes, scores and clusters against scikit-learn, and against trying every pairing."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as library

from models.metrics.bootstrap import Resampling
from models.metrics.classification import (
    accuracy,
    balanced_accuracy,
    draw_weights,
    macro_f1,
    mean_known,
    r_squared,
    rank_quality,
)
from models.metrics.clusters import matched

seeds = st.integers(0, 2**32 - 1)


@st.composite
def cases(draw):
    """Random numbers for 2 to 30 tracks, and weights of 3 resamples."""
    generator, count = np.random.default_rng(draw(seeds)), draw(st.integers(2, 30))
    return generator, count, draw_weights(Resampling(3, draw(st.integers(0, 99))).draws(count), count)


@given(cases(), st.integers(1, 12))
def test_rank_quality_is_that_of_scikit_learn_with_ties_and_weights(case, levels):
    generator, count, weights = case
    scores, positive = generator.integers(0, levels, count).astype(float), generator.random(count) < 0.4
    found = rank_quality(scores, positive, weights)
    for row, drawn in enumerate(weights):
        if 0 < drawn @ positive < drawn.sum():
            expected = library.roc_auc_score(positive, scores, sample_weight=drawn)
            assert found.roc_auc[row] == pytest.approx(expected)
            expected = library.average_precision_score(positive, scores, sample_weight=drawn)
            assert found.average_precision[row] == pytest.approx(expected)
        else:
            assert np.isnan([found.roc_auc[row], found.average_precision[row]]).all()


@given(cases(), st.integers(2, 5))
def test_class_measures_are_those_of_scikit_learn_with_weights(case, classes):
    generator, count, weights = case
    said, truth = generator.integers(0, classes, (2, count))
    f1, recall = macro_f1(said, truth, classes, weights), balanced_accuracy(said, truth, classes, weights)
    right = accuracy(said == truth, weights)
    for row, drawn in enumerate(weights):
        kept = drawn > 0
        inputs = {"y_true": truth[kept], "y_pred": said[kept], "sample_weight": drawn[kept]}
        assert f1[row] == pytest.approx(library.f1_score(**inputs, average="macro"))
        assert right[row] == pytest.approx(library.accuracy_score(**inputs))
        named = np.unique(truth[kept])
        expected = library.recall_score(**inputs, labels=named, average="macro")
        assert recall[row] == pytest.approx(expected)


@given(cases(), st.integers(1, 3))
def test_explained_variance_is_that_of_scikit_learn_weighing_outputs_by_their_variance(case, outputs):
    generator, count, weights = case
    said, truth = generator.normal(size=(2, count, outputs))
    found = r_squared(said, truth, weights)
    for row, drawn in enumerate(weights):
        if np.count_nonzero(drawn) > 1:
            expected = library.r2_score(truth, said, sample_weight=drawn, multioutput="variance_weighted")
            assert found[row] == pytest.approx(expected)
        else:
            assert np.isnan(found[row])


@settings(max_examples=50)
@given(seeds, st.integers(1, 4), st.integers(1, 5))
def test_matched_tracks_are_as_many_as_the_best_of_all_pairings_has(seed, clusters, classes):
    generator = np.random.default_rng(seed)
    found, truth = generator.integers(0, clusters, 20), generator.integers(0, classes, 20)
    size = max(clusters, classes)
    best = max((np.array(pairing)[found] == truth).sum() for pairing in permutations(range(size)))
    assert matched(found, truth).sum() == best


def test_unknown_values_are_left_out_of_a_mean():
    values = np.array([[0.5, np.nan, 1.0], [np.nan, np.nan, np.nan]])
    assert mean_known(values).tolist() == pytest.approx([0.75, np.nan], nan_ok=True)
