import numpy as np
import pytest
from scipy.stats import bootstrap

from models.metrics.bootstrap import Resampling, estimate, estimate_mean, paired_p_value

SIMULATIONS = 200


def covered(found, truth):
    return found.low <= truth <= found.high


def test_the_interval_of_a_mean_holds_the_truth_in_95_of_100_samples():
    generator = np.random.default_rng(0)
    draws = Resampling(400).draws(60)
    held = [covered(estimate_mean(generator.exponential(size=60), draws), 1) for _ in range(SIMULATIONS)]
    assert 0.89 <= np.mean(held) <= 0.98


def test_only_whole_groups_tell_how_sure_a_mean_over_groups_is():
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    single, whole = Resampling(300).draws(300), Resampling(300).draws(300, groups)
    held = []
    for _ in range(SIMULATIONS):
        values = generator.normal(size=30)[groups] + 0.5 * generator.normal(size=300)
        held.append([covered(estimate_mean(values, draws), 0) for draws in (single, whole)])
    by_query, by_group = np.mean(held, axis=0)
    assert by_query < 0.6
    assert 0.88 <= by_group <= 0.98


def test_the_interval_agrees_with_scipy():
    values = np.random.default_rng(1).gamma(2, size=100)
    found = estimate_mean(values, Resampling(5_000).draws(100))
    expected = bootstrap((values,), np.mean, n_resamples=5_000, method="percentile", rng=np.random.default_rng(0))
    width = found.high - found.low
    assert found.low == pytest.approx(expected.confidence_interval.low, abs=0.05 * width)
    assert found.high == pytest.approx(expected.confidence_interval.high, abs=0.05 * width)


def test_groups_are_drawn_whole_with_replacement_as_many_as_there_are():
    groups = np.array(["b", "a", "b", "c", "c", "c"])
    for draw in Resampling(100).draws(6, groups):
        times = np.bincount(draw, minlength=6)
        assert times[0] == times[2]
        assert times[3] == times[4] == times[5]
        assert times[0] + times[1] + times[3] == 3


def test_the_same_seed_gives_the_same_resamples_and_another_seed_others():
    one, again, other = (np.array(Resampling(5, seed).draws(20)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_a_small_difference_shows_when_systems_are_paired_on_the_same_queries():
    generator = np.random.default_rng(2)
    hardness = generator.normal(size=200)
    draws = Resampling(500).draws(200)
    worse = estimate_mean(hardness, draws)
    better = estimate_mean(hardness + 0.05 + 0.1 * generator.normal(size=200), draws)
    assert better.low < worse.high  # their intervals overlap
    assert paired_p_value(better, worse) < 0.001
    unpaired = estimate_mean(hardness, Resampling(500, seed=9).draws(200))
    assert paired_p_value(better, unpaired) > 0.3


def test_equal_systems_are_called_different_in_one_of_twenty_samples():
    generator = np.random.default_rng(3)
    draws = Resampling(200).draws(80)
    p_values = [
        paired_p_value(*(estimate_mean(generator.random(80), draws) for _ in range(2))) for _ in range(SIMULATIONS)
    ]
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.1
    same = estimate_mean(generator.random(80), draws)
    assert paired_p_value(same, same) == 1


def test_resamples_on_which_a_statistic_has_no_value_do_not_count():
    values = np.array([np.nan, 1.0, 2.0, 3.0])

    def first(draw):
        return values[draw[0]]

    found = estimate(first, Resampling(200).draws(4), 4)
    assert np.isnan(found.value)
    assert (found.low, found.high) == (1, 3)


@pytest.mark.parametrize("groups", [None, np.array([], dtype=np.intp)])
def test_without_queries_there_is_no_figure(groups):
    draws = Resampling(10).draws(0, groups)
    found = estimate_mean(np.array([]), draws)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.count == 0
    assert len(found.replicates) == 10
    assert np.isnan(paired_p_value(found, found))
