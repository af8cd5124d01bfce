"""Which tracks belong together."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

from models.catalogue_map.clusters import METHODS, MOST, find_clusters
from models.catalogue_map.components import main_components


def silent(_stage, _fraction):
    pass


def planted(count, each, spread=0.05, dimension=24):
    rng = np.random.default_rng(2)
    labels = np.repeat(np.arange(count), each)
    return (np.eye(dimension)[labels] + rng.normal(scale=spread, size=(len(labels), dimension))).astype(
        np.float32
    ), labels


@pytest.mark.parametrize("count", [2, 3, 8, 19])
def test_planted_groups_are_found(count):
    vectors, labels = planted(count, 40)
    found = find_clusters(vectors, 0, silent)
    assert found.count == count
    assert adjusted_rand_score(labels, found.numbers) == 1.0


def test_every_method_and_number_is_told_with_its_figures():
    vectors, _ = planted(3, 40)
    found = find_clusters(vectors, 0, silent)
    assert [(score.method, score.k) for score in found.scores] == [
        (method, k) for k in range(2, MOST + 1) for method in METHODS
    ]
    best = next(score for score in found.scores if (score.method, score.k) == (found.method, 3))
    expected = silhouette_score(main_components(vectors, 10), found.numbers)
    assert best.silhouette == pytest.approx(expected, abs=1e-5)
    assert best.silhouette == max(score.silhouette for score in found.scores)
    assert best.davies_bouldin == min(score.davies_bouldin for score in found.scores)


def test_silhouettes_of_a_sample_are_those_of_all():
    vectors, labels = planted(4, 800, spread=0.2)
    found = find_clusters(vectors, 0, silent)
    assert adjusted_rand_score(labels, found.numbers) > 0.99
    best = next(score for score in found.scores if (score.method, score.k) == (found.method, 4))
    expected = silhouette_score(main_components(vectors, 10), found.numbers)
    assert best.silhouette == pytest.approx(expected, abs=0.02)


def test_the_largest_cluster_is_the_first():
    vectors, labels = planted(3, 60)
    order = np.r_[np.flatnonzero(labels == 0)[:20], np.flatnonzero(labels == 1)[:40], np.flatnonzero(labels == 2)]
    found = find_clusters(vectors[order], 0, silent)
    assert np.bincount(found.numbers).tolist() == [60, 40, 20]


def test_the_same_seed_finds_the_same_clusters():
    vectors = np.random.default_rng(0).normal(size=(200, 12)).astype(np.float32)
    first, again = (find_clusters(vectors, 5, silent) for _ in range(2))
    assert np.array_equal(first.numbers, again.numbers)
    assert first.scores == again.scores


@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_tracks_are_one_cluster(count):
    vectors = np.random.default_rng(0).normal(size=(count, 12)).astype(np.float32)
    found = find_clusters(vectors, 0, silent)
    assert (found.numbers.tolist(), found.count, found.scores) == ([0] * count, 1, [])


@pytest.mark.parametrize("vectors", [np.ones((100, 4)), np.repeat(np.eye(2), 50, axis=0)])
def test_equal_tracks_make_no_more_clusters_than_there_are_kinds(vectors):
    found = find_clusters(vectors.astype(np.float32), 0, silent)
    assert len(found.numbers) == 100
    assert found.count <= 2


def test_when_time_runs_out_the_best_so_far_is_taken():
    vectors, _ = planted(3, 40)
    found = find_clusters(vectors, 0, silent, until=0.0)
    assert [(score.method, score.k) for score in found.scores] == [("kmeans", 2)]
    assert found.count == 2


def test_it_can_be_stopped():
    vectors, _ = planted(3, 40)
    heard = []

    def stop(stage, fraction):
        heard.append(stage)
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_clusters(vectors, 0, stop)
    assert set(heard) == {"clusters"}
