"""Where tracks lie on a map."""

import time

import numpy as np
import pytest

from models.catalogue_map.layout import EARLY, FEWEST, LATE, lay_out, nearest


class Stopped(Exception):
    pass


def silent(_stage, _fraction):
    pass


def groups(*sizes, dimension=16, spread=0.1):
    """Unit vectors around directions at right angles, and which group each is of."""
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    vectors = np.eye(dimension)[labels] + rng.normal(scale=spread, size=(len(labels), dimension))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), labels


def test_groups_that_are_far_from_each_other_stay_apart():
    vectors, labels = groups(60, 40)
    positions = lay_out(vectors, 0, silent)
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    same = labels[:, None] == labels[None]
    np.fill_diagonal(distances, np.inf)
    nearest_other = np.where(same, np.inf, distances).min(axis=1)
    nearest_own = np.where(same, distances, np.inf).min(axis=1)
    assert (nearest_own < nearest_other).all()
    assert np.median(nearest_other) > 5 * np.median(nearest_own)


def test_the_nearest_tracks_of_a_ring_stay_the_nearest():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    vectors = np.stack([np.cos(angles), np.sin(angles), np.zeros(200)], axis=1).astype(np.float32)
    positions = lay_out(vectors, 0, silent)
    gaps = np.linalg.norm(positions - np.roll(positions, 1, axis=0), axis=1)
    across = np.linalg.norm(positions - np.roll(positions, 100, axis=0), axis=1)
    assert np.median(across) > 10 * np.median(gaps)


def test_the_same_seed_makes_the_same_map_and_it_just_fits():
    vectors, _ = groups(30, 30, 30)
    first, again, other = (lay_out(vectors, seed, silent) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.dtype, first.shape) == (np.float32, (90, 2))
    assert np.abs(first).max() == 1.0


@pytest.mark.parametrize("count", [1, 2, 3, 5, FEWEST - 1, FEWEST, FEWEST + 1])
@pytest.mark.parametrize("dimension", [1, 2, 16])
def test_few_tracks_have_places_too(count, dimension):
    vectors = np.random.default_rng(0).normal(size=(count, dimension)).astype(np.float32)
    positions = lay_out(vectors, 0, silent)
    assert positions.shape == (count, 2)
    assert np.isfinite(positions).all()
    assert np.abs(positions).max() == (1.0 if count > 1 else 0.0)


@pytest.mark.parametrize("count", [30, 36, 40, 50, 80])
@pytest.mark.parametrize("seed", range(3))
def test_a_small_catalogue_without_groups_is_not_drawn_into_one_point(count, seed):
    vectors = np.random.default_rng(seed).normal(size=(count, 210))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    positions = lay_out(vectors.astype(np.float32), 0, silent)
    assert positions.std(axis=0).min() > 0.1


def test_equal_tracks_lie_together_and_tracks_without_vectors_do_too():
    vectors, _ = groups(20, 20, 20)
    vectors[:20] = vectors[0]
    vectors[20:40] = 0
    positions = lay_out(vectors, 0, silent)
    assert np.isfinite(positions).all()
    equal, absent, others = positions[:20], positions[20:40], positions[40:]
    for each in (equal, absent):
        radius = np.linalg.norm(each - each.mean(axis=0), axis=1).max()
        assert radius < np.linalg.norm(others - each.mean(axis=0), axis=1).min()


def test_a_catalogue_of_one_track_over_and_over_has_one_place():
    assert not lay_out(np.ones((50, 4), np.float32), 0, silent).any()
    assert not lay_out(np.zeros((50, 4), np.float32), 0, silent).any()


def test_neighbours_are_others_also_where_more_are_equal_than_are_asked_for():
    vectors = np.repeat(np.eye(3, dtype=np.float32), 200, axis=0)
    found = nearest(vectors, silent)
    assert (found.indices != np.arange(600)[:, None]).all()
    assert found.indices.shape == (600, 90)
    assert not found.distances.any()


def test_neighbours_are_the_nearest_nearest_first():
    vectors, _ = groups(400, 300)
    found = nearest(vectors, silent)
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.allclose(found.distances, np.sort(distances, axis=1)[:, :90], atol=1e-3)


def test_whoever_waits_hears_of_the_progress_and_can_stop_it():
    vectors, _ = groups(300, 300)
    heard = []
    lay_out(vectors, 0, lambda *told: heard.append(told))
    assert [stage for stage, _ in heard[:2]] == ["neighbours", "neighbours"]
    fractions = [fraction for stage, fraction in heard if stage == "layout"]
    assert fractions == sorted(fractions)
    assert (len(fractions), fractions[-1]) == ((EARLY + LATE) // 10, 1.0)

    def stop(stage, fraction):
        if stage == "layout" and fraction >= 0.1:
            raise Stopped

    with pytest.raises(Stopped):
        lay_out(vectors, 0, stop)


@pytest.mark.parametrize("at", [0.1, 0.8])
def test_when_time_runs_out_the_map_is_as_far_as_it_came(monkeypatch, at):
    vectors, _ = groups(60, 40)
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    heard = []

    def follow(stage, fraction):
        heard.append((stage, fraction))
        now[0] = fraction if stage == "layout" else 0.0

    positions = lay_out(vectors, 0, follow, until=at)
    assert heard[-1] == ("layout", at)
    assert np.abs(positions).max() == 1.0
