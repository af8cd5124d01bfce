import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from models.datasets.track import Dataset
from models.errors import EvaluationImpossible
from models.evaluate import learners
from models.evaluate.embedded import Embedded
from models.evaluate.linear import RIDGE_PENALTIES, Search, predict_classes, predict_numbers, score_tags
from models.evaluate.probes import evaluate_probes, tempo_class_quality, tempo_quality
from models.evaluate.report import COMPLETE, RANDOM, WORST
from models.evaluate.targets import Sides, class_values, log_tempo, tempo_class
from models.metrics.bootstrap import Resampling
from models.metrics.classification import balanced_accuracy, draw_weights, weighted_estimate

RESAMPLING = Resampling(replicates=100)
SEARCH = Search(draws=6, runs=2)
ONCE = np.ones((1, 4))


@pytest.fixture(scope="module")
def report(labelled, oracle, noise):
    return evaluate_probes(labelled, [oracle, noise], RESAMPLING, search=SEARCH)


@pytest.fixture(scope="module")
def problem():
    """Three classes in five dimensions of different scales, and a split."""
    drawn = np.random.default_rng(0)
    labels = drawn.integers(0, 3, 150)
    vectors = (drawn.normal(size=(150, 5)) + np.eye(3, 5)[labels]) * [1, 10, 0.1, 5, 1]
    return vectors.astype(np.float32), labels, Sides(np.arange(80), np.arange(80, 110), np.arange(110, 150))


def figures(report, task, system, space=COMPLETE):
    (row,) = [row for row in report.rows if (row.task, row.system, row.space) == (task, system, space)]
    return row.figures


def values(report, task, system, space=COMPLETE):
    return [found.value for found in figures(report, task, system, space).values()]


@pytest.mark.parametrize("task", ["genre", "instrument", "key", "key tonic", "key mode"])
def test_a_space_that_holds_the_classes_tells_them(report, task):
    assert values(report, task, "oracle", task.split()[0]) == [1, 1]


def test_a_space_that_holds_the_tempo_tells_it(report):
    assert values(report, "tempo", "oracle", "tempo") == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("task", ["genre", "instrument", "key tonic", "key mode"])
def test_vectors_of_noise_are_within_the_interval_of_chance(report, task):
    found, chance = figures(report, task, "noise")["accuracy"], figures(report, task, RANDOM)["accuracy"]
    assert found.low < chance.high
    assert found.high > chance.low


def test_shuffled_labels_are_told_by_chance_which_nearly_all_intervals_hold(problem):
    vectors, labels, sides = problem
    weights = draw_weights(Resampling(200).draws(len(sides.test)), len(sides.test))
    found = []
    for seed in range(20):
        shuffled = np.random.default_rng(seed).permutation(labels)
        said = predict_classes(vectors, shuffled, sides, Search(draws=3, runs=1, seed=seed)).runs[0]
        recall = balanced_accuracy(said, shuffled[sides.test], 3, weights)
        found.append(weighted_estimate(recall, len(sides.test)))
    assert abs(np.mean([one.value for one in found]) - 1 / 3) < 0.05
    assert sum(one.low < 1 / 3 < one.high for one in found) >= 17


def test_shuffled_vectors_tell_no_tempo(labelled, oracle):
    order = np.random.default_rng(1).permutation(len(labelled))
    shuffled = Embedded("shuffled", oracle.vectors[order, oracle.spaces["tempo"]], metric="euclidean")
    poor = Dataset("tempo", tuple(replace(track, tags={}, key=None) for track in labelled.tracks))
    assert values(evaluate_probes(poor, [shuffled], RESAMPLING), "tempo", "shuffled")[0] < 0.1


def test_the_worst_is_always_wrong_and_has_no_variance_explained(report):
    assert values(report, "genre", WORST) == [0, 0]
    explained, *right = values(report, "tempo", WORST)
    assert np.isnan(explained)
    assert right == [0, 0]


def test_every_task_has_the_rows_of_both_baselines_and_the_same_measures(report):
    for task in {row.task for row in report.rows}:
        rows = [row for row in report.rows if row.task == task]
        assert {"oracle", "noise", RANDOM, WORST} == {row.system for row in rows}
        assert len({tuple(row.figures) for row in rows}) == 1


def test_notes_name_the_commonest_class_and_what_lacks_labels(report):
    text = " ".join(report.notes)
    assert "genre: always to say “rock” has macro-F1" in text
    assert "Too few labels for: era." in text


def test_labels_and_vectors_of_test_tracks_do_not_reach_the_probe(problem):
    vectors, labels, sides = problem
    absurd, strange = labels.copy(), vectors.copy()
    absurd[sides.test] = 77
    strange[sides.test[1:]] = 1e6
    plain = predict_classes(vectors, labels, sides, SEARCH).runs
    assert np.array_equal(plain, predict_classes(vectors, absurd, sides, SEARCH).runs)
    assert np.array_equal(plain[:, 0], predict_classes(strange, labels, sides, SEARCH).runs[:, 0])


def test_tags_and_numbers_of_test_tracks_do_not_reach_the_probe(problem):
    vectors, labels, sides = problem
    tags, numbers = labels[:, None] == np.arange(3), labels.astype(np.float64)
    plain = score_tags(vectors, tags, sides)[0], predict_numbers(vectors, numbers, sides).runs
    tags[sides.test] = True
    numbers[sides.test] = np.nan
    assert np.array_equal(plain[0], score_tags(vectors, tags, sides)[0])
    assert np.array_equal(plain[1], predict_numbers(vectors, numbers, sides).runs)


def test_classes_are_those_of_scikit_learn_with_the_c_that_is_best_on_validation(problem):
    vectors, labels, sides = problem

    def pipeline(c):
        return make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=20_000))

    def quality(c):
        said = pipeline(c).fit(vectors[sides.train], labels[sides.train]).predict(vectors[sides.validation])
        return f1_score(labels[sides.validation], said, average="macro")

    search = Search(draws=5, runs=1, seed=3)
    best = max(np.sort(search.inverse_penalties()[0]), key=quality)
    expected = pipeline(best).fit(vectors[sides.fitting], labels[sides.fitting]).predict(vectors[sides.test])
    assert np.array_equal(predict_classes(vectors, labels, sides, search).runs[0], expected)


def test_numbers_are_those_of_scikit_learn_with_the_penalty_that_is_best_on_validation(problem):
    vectors, labels, sides = problem
    numbers = labels + vectors[:, 3].astype(np.float64)

    def pipeline(penalty):
        return make_pipeline(StandardScaler(), Ridge(penalty))

    def error(penalty):
        said = pipeline(penalty).fit(vectors[sides.train], numbers[sides.train]).predict(vectors[sides.validation])
        return np.square(said - numbers[sides.validation]).mean()

    best = pipeline(min(RIDGE_PENALTIES, key=error)).fit(vectors[sides.fitting], numbers[sides.fitting])
    assert predict_numbers(vectors, numbers, sides).runs[0] == pytest.approx(
        best.predict(vectors[sides.test]), rel=1e-4
    )


def test_draws_of_c_are_log_uniform_and_repeatable():
    drawn = Search(draws=500, runs=4).inverse_penalties()
    assert drawn.shape == (4, 500)
    assert 1e-4 <= drawn.min() < 2e-4
    assert 5e3 < drawn.max() <= 1e4
    assert abs(np.log10(drawn).mean()) < 0.2
    assert np.array_equal(drawn, Search(draws=500, runs=4).inverse_penalties())


def test_accuracy_1_allows_four_percent_and_accuracy_2_other_metrical_levels():
    truth = np.log2([100.0, 100, 100, 100])
    found = tempo_quality(np.log2([103.9, 104.1, 199, 34]), truth, ONCE)
    assert (found["accuracy 1"][0], found["accuracy 2"][0]) == (0.25, 0.75)


def test_the_class_of_a_tempo_is_that_of_its_double():
    single, double = tempo_class(np.log2([60.0, 70, 90, 119])), tempo_class(np.log2([120.0, 140, 45, 60]))
    found = tempo_class_quality(single, double, ONCE)
    assert found["accuracy"][0] == 1
    assert found["R²"][0] > 0.99
    assert tempo_class_quality(-single, double, ONCE)["accuracy"][0] == 0


def test_a_track_has_a_class_only_with_exactly_one_tag(labelled):
    first, *rest = labelled.tracks[:3]
    both = replace(first, tags={"genre": frozenset({"rock", "jazz"})}, key=None, tempo_bpm=None)
    dataset = Dataset("some", (both, *rest))
    found = class_values(dataset)
    assert found["genre"] == [None, *(min(track.tags["genre"]) for track in rest)]
    assert (found["key"][0], found["key tonic"][0], found["key mode"][0]) == (None, None, None)
    assert found["key"][1] == f"{found['key tonic'][1]} {found['key mode'][1]}"
    assert np.isnan(log_tempo(dataset)).tolist() == [True, False, False]


def test_a_dataset_without_labels_is_refused(labelled, noise):
    mute = Dataset("mute", tuple(replace(track, tags={}, key=None, tempo_bpm=None) for track in labelled.tracks))
    with pytest.raises(EvaluationImpossible, match="mute has no label with two classes of 5 tracks"):
        evaluate_probes(mute, [noise], RESAMPLING, search=SEARCH)


def test_a_system_with_other_tracks_is_refused(labelled, noise):
    with pytest.raises(EvaluationImpossible, match="3 vectors for 240 tracks"):
        evaluate_probes(labelled, [Embedded("short", noise.vectors[:3])], RESAMPLING, search=SEARCH)


def test_fits_that_do_not_converge_are_noted_and_are_no_error(labelled, noise, monkeypatch):
    monkeypatch.setattr(learners, "MAX_ITERATIONS", 1)
    report = evaluate_probes(labelled, [noise], RESAMPLING, search=SEARCH)
    assert "fits did not converge" in report.notes[-1]


def test_other_warnings_than_those_of_convergence_get_through():
    class Learner:
        def fit(self, vectors, labels):
            import warnings

            warnings.warn("not converged", ConvergenceWarning, stacklevel=1)
            warnings.warn("something else", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="something else") as caught:
        assert not learners.converges(Learner(), np.zeros((1, 1)))
    assert len(caught) == 1


def test_all_numerical_libraries_are_held_to_one_thread_also_those_that_nothing_had_loaded():
    """In a process of its own: what loads inside the block would keep all its threads."""
    code = """
from models.evaluate.learners import k_means, main_components, one_thread
from threadpoolctl import threadpool_info
with one_thread():
    k_means(2, 0), main_components()
    print({pool["num_threads"] for pool in threadpool_info()})
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "{1}"
