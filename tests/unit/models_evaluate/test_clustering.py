from dataclasses import replace

import numpy as np
import pytest

from models.datasets.track import Dataset
from models.errors import EvaluationImpossible
from models.evaluate import clustering
from models.evaluate.clustering import ACCURACIES, DEVIATIONS, INDICES, INDICES_TASK, evaluate_clustering
from models.evaluate.embedded import Embedded
from models.evaluate.learners import compactness
from models.evaluate.report import COMPLETE, RANDOM, WORST
from models.metrics.bootstrap import Resampling

RESAMPLING = Resampling(replicates=50)


@pytest.fixture(scope="module", autouse=True)
def _few_counts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clustering, "INDEX_COUNTS", (2, 3, 4))
        patch.setattr(clustering, "PAPER_COUNTS", (2, 7))
        yield


@pytest.fixture(scope="module")
def clouds(labelled):
    """One cloud of points per genre, far from the others."""
    genre = np.array(
        [[min(track.tags["genre"]) == name for name in ("ambient", "jazz", "rock")] for track in labelled.tracks]
    )
    vectors = 10 * genre + np.random.default_rng(3).normal(size=genre.shape)
    return Embedded("clouds", vectors.astype(np.float32), metric="euclidean")


@pytest.fixture(scope="module")
def report(labelled, clouds, noise):
    return evaluate_clustering(labelled, [clouds, noise], RESAMPLING, dimensions=["genre", "era"], seeds=3)


def figures(report, task, system):
    (row,) = [row for row in report.rows if (row.task, row.system, row.space) == (task, system, COMPLETE)]
    return row.figures


def test_a_cloud_per_class_is_matched_wholly(report):
    found = figures(report, "genre, 3 clusters", "clouds")
    assert [found[name].value for name in (*ACCURACIES, *DEVIATIONS)] == [1, 1, 0, 0]


def test_too_few_clusters_reach_their_ceiling_and_the_note_says_so(report, labelled):
    counts = np.unique([min(track.tags["genre"]) for track in labelled.tracks], return_counts=True)[1]
    ceiling = np.sort(counts)[1:].sum() / len(labelled)
    assert figures(report, "genre, 2 clusters", "clouds")[ACCURACIES[0]].value <= ceiling
    assert f"{ceiling:.3f} is the best accuracy possible" in " ".join(report.notes)


def test_noise_is_no_better_than_random_and_better_than_the_worst(report):
    noise, chance, worst = (
        figures(report, "genre, 3 clusters", name)[ACCURACIES[0]] for name in ("noise", RANDOM, WORST)
    )
    assert abs(noise.value - chance.value) < 0.1
    assert worst.value == pytest.approx(1 / 3)
    assert noise.value > worst.value


def test_every_value_lies_in_its_interval(report):
    for row in report.rows:
        for found in row.figures.values():
            if np.isfinite(found.low):
                assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_the_indices_find_the_number_of_clouds(report):
    assert report.facts["clusters at the best silhouette"]["clouds"] == 3
    clouds, noise = (figures(report, INDICES_TASK, name) for name in ("clouds", "noise"))
    assert clouds[INDICES[0]].value > 0.7 > noise[INDICES[0]].value
    assert clouds[INDICES[1]].value > noise[INDICES[1]].value
    assert clouds[INDICES[2]].value < noise[INDICES[2]].value
    assert INDICES[2] in report.lower
    assert "indices" in report.plots


def test_every_task_has_both_baselines(report):
    tasks = {row.task for row in report.rows}
    assert tasks == {"genre, 2 clusters", "genre, 3 clusters", "genre, 7 clusters", INDICES_TASK}
    for task in tasks:
        assert {row.system for row in report.rows if row.task == task} == {"clouds", "noise", RANDOM, WORST}


def test_vectors_that_are_all_the_same_are_noted_and_are_no_error(labelled):
    same = np.zeros((len(labelled), 2), np.float32)
    same[:3] = [[1, 0], [0, 1], [1, 1]]
    report = evaluate_clustering(
        labelled, [Embedded("few points", same)], RESAMPLING, dimensions=["genre"], seeds=1
    )
    assert "fits did not converge" in report.notes[-1]


def test_one_side_of_the_split_can_be_clustered_alone(labelled, noise):
    report = evaluate_clustering(labelled, [noise], RESAMPLING, dimensions=["genre"], split="test", seeds=1)
    assert report.facts["tracks"] == {"indices": 60, "genre": 60}


def test_a_handful_of_tracks_is_refused(labelled):
    few = Dataset("few", tuple(replace(track) for track in labelled.tracks[:3]))
    with pytest.raises(EvaluationImpossible, match="3 tracks are too few for up to 4 clusters"):
        evaluate_clustering(few, [Embedded("flat", np.zeros((3, 2), np.float32))], RESAMPLING)


@pytest.mark.parametrize("clusters", [np.zeros(4, np.intp), np.arange(4)])
def test_one_cluster_or_one_per_track_has_no_indices(clusters):
    silhouettes, *others = compactness(np.eye(4), clusters)
    assert np.isnan([*silhouettes, *others]).all()
