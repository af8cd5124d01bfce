from dataclasses import replace

import numpy as np
import pytest

from models.datasets.track import Dataset
from models.errors import EvaluationImpossible
from models.evaluate.disentanglement import MEASURES, SCORE, TASK, evaluate_disentanglement, summary
from models.evaluate.embedded import Embedded
from models.evaluate.linear import Search
from models.evaluate.report import COMPLETE, RANDOM, WORST
from models.metrics.bootstrap import Resampling

RESAMPLING = Resampling(replicates=100)
SEARCH = Search(draws=5, runs=1)
DIMENSIONS = {"genre", "instrument", "mood", "tempo", "key"}


@pytest.fixture(scope="module")
def report(labelled, oracle, noise):
    return evaluate_disentanglement(labelled, [oracle, noise], RESAMPLING, search=SEARCH)


def figures(report, task, system, space=COMPLETE):
    (row,) = [row for row in report.rows if (row.task, row.system, row.space) == (task, system, space)]
    return row.figures


def test_spaces_that_hold_one_dimension_each_predict_it_and_no_other(report):
    for dimension in DIMENSIONS - {"mood"}:
        assert figures(report, dimension, "oracle", dimension)[SCORE].value == pytest.approx(1)
        for space in DIMENSIONS - {dimension}:
            found = figures(report, dimension, "oracle", space)[SCORE]
            assert found.value < 0.3
            assert found.low < 0.05


def test_spaces_that_hold_one_dimension_each_are_disentangled_and_complete(report):
    oracle, chance = figures(report, TASK, "oracle"), figures(report, TASK, RANDOM)
    for measure in MEASURES:
        assert oracle[measure].value > 0.8
        assert oracle[measure].value > chance[measure].value


def test_a_system_that_holds_everything_everywhere_is_entangled(labelled, oracle):
    """Each space is a copy of all others."""
    width = oracle.vectors.shape[1]
    spaces = {name: slice(place * width, (place + 1) * width) for place, name in enumerate(oracle.spaces)}
    copies = Embedded("copies", np.tile(oracle.vectors, (1, len(spaces))), spaces, "euclidean")
    found = figures(evaluate_disentanglement(labelled, [copies], RESAMPLING, search=SEARCH), TASK, "copies")
    assert found[MEASURES[0]].value < 0.05
    assert found[MEASURES[1]].value < 0.05
    assert abs(found[MEASURES[3]].value) < 0.1


def test_spaces_of_other_names_are_read_too_but_have_no_dimension_of_their_own(report):
    assert figures(report, "genre", "noise", "timbre")[SCORE].value < 0.4
    assert np.isnan(figures(report, TASK, "noise")[MEASURES[3]].value)


def test_a_system_without_spaces_has_but_its_complete_space(labelled, noise):
    flat = Embedded("flat", noise.vectors, metric="euclidean")
    report = evaluate_disentanglement(labelled, [flat], RESAMPLING, search=SEARCH)
    assert {row.space for row in report.rows if row.system == "flat"} == {COMPLETE}
    assert np.isnan(figures(report, TASK, "flat")[MEASURES[0]].value)
    assert report.plots == {}


def test_noise_scores_around_zero(report):
    scores = [row.figures[SCORE].value for row in report.rows if row.system == RANDOM and row.task != TASK]
    assert abs(np.mean(scores)) < 0.15


def test_every_task_has_both_baselines_and_each_system_its_picture(report):
    for task in {TASK, *DIMENSIONS}:
        assert {row.system for row in report.rows if row.task == task} == {"oracle", "noise", RANDOM, WORST}
    assert set(report.plots) == {"oracle-matrix", "noise-matrix"}


def test_the_worst_is_at_the_lower_end_of_every_scale(report):
    assert figures(report, "genre", WORST)[SCORE].value == pytest.approx(-0.5)
    assert np.isnan(figures(report, "tempo", WORST)[SCORE].value)
    assert figures(report, TASK, WORST)[MEASURES[3]].value == -1


def test_the_lead_of_a_space_is_over_the_mean_of_the_other_dimensions():
    scores = np.array([[[0.5, 0.5, 0.5], [0.9, 0.1, 0.3], [0.2, 0.2, 0.2]]])
    *_, informativeness, lead = summary(scores, [COMPLETE, "genre", "timbre"], ["genre", "tempo", "key"])
    assert lead == pytest.approx([0.7])
    assert informativeness == pytest.approx([0.5])


def test_one_dimension_is_too_few(labelled, oracle):
    poor = Dataset("poor", tuple(replace(track, tags={}, tempo_bpm=None) for track in labelled.tracks))
    with pytest.raises(EvaluationImpossible, match="poor has enough labels of: key"):
        evaluate_disentanglement(poor, [oracle], RESAMPLING, search=SEARCH)
