"""Runs of the series differ in what they say they differ in, and in nothing else."""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.hdpgmm_series import (
    Outcome,
    Run,
    alone,
    drawn,
    epochs,
    log_volume,
    mean,
    runs,
    sizes,
    spread,
    table,
)
from models.datasets.track import LabelledTrack
from models.hdpgmm.whitening import fit_whitening
from models.metrics.bootstrap import Resampling, estimate_mean

TRACKS = [LabelledTrack(id=f"{number}.ogg", path=Path(f"{number}.ogg")) for number in range(80)]
SPLASH = 0.1


def test_a_smaller_corpus_lies_within_the_next_in_its_order():
    found = [drawn(TRACKS, Run(size, SPLASH, 3)) for size in sizes(len(TRACKS))]
    assert [len(songs) for songs in found] == [5, 10, 20, 40, 80]
    for smaller, larger in pairwise(found):
        assert {song.id for song in smaller} < {song.id for song in larger}
        assert smaller == [song for song in larger if song in smaller]
    assert found[-1] == TRACKS


def test_another_seed_draws_other_songs():
    one, other = (drawn(TRACKS, Run(20, SPLASH, seed)) for seed in (0, 1))
    assert one != other
    assert one == drawn(TRACKS, Run(20, SPLASH, 0))


@pytest.mark.parametrize("songs", sizes(366))
@pytest.mark.parametrize("whole", [1, 10, 15])
def test_every_size_makes_the_updates_of_the_whole_corpus_and_no_epoch_more(songs, whole):
    batch = 32
    wanted, each = whole * math.ceil(366 / batch), math.ceil(songs / batch)
    count = epochs(Run(songs, SPLASH, 0), 366, whole, batch)
    assert wanted <= count * each < wanted + each


@pytest.mark.parametrize(("seeds", "shipped"), [(1, 3), (2, 3), (4, 4)])
def test_each_setting_is_run_once_for_every_seed_and_the_shipped_ones_often_enough(seeds, shipped):
    found = runs(366, SPLASH, seeds)
    assert len(found) == len(set(found)) == 8 * seeds + shipped
    assert sum(run.songs == 366 and run.splash == SPLASH for run in found) == shipped
    assert {run.songs for run in found} == set(sizes(366))
    assert len({run.name for run in found}) == len(found)


def test_duplicates_that_were_not_drawn_are_not_named():
    tracks = [
        LabelledTrack(id="a", path=Path("a"), duplicates=frozenset({"b", "c"})),
        LabelledTrack(id="b", path=Path("b"), duplicates=frozenset({"a", "c"})),
    ]
    assert [track.duplicates for track in alone(tracks)] == [{"b"}, {"a"}]


def estimates(*values):
    draws = Resampling(50).draws(10)
    return [estimate_mean(np.full(10, value) + np.arange(10) / 100, draws) for value in values]


def test_the_mean_over_seeds_keeps_the_resamples_of_queries():
    one, other = estimates(0.2, 0.4)
    found = mean([one, other])
    assert found.value == pytest.approx((one.value + other.value) / 2)
    assert found.high - found.low == pytest.approx(one.high - one.low)
    assert spread([0.2, 0.4]) == pytest.approx(math.sqrt(0.02))


def test_the_table_sets_every_setting_against_what_is_shipped():
    better, shipped = (
        [Outcome({"album": each, "artist": each}, -60.0, 40) for each in estimates(*values)]
        for values in ((0.5, 0.6), (0.4, 0.5))
    )
    outcomes = {Run(80, 0.0, seed): outcome for seed, outcome in enumerate(better)}
    outcomes |= {Run(80, SPLASH, seed): outcome for seed, outcome in enumerate(shipped)}
    *_, first, second = table(outcomes, (80, SPLASH)).strip().splitlines()
    assert first.startswith("| 80 | 0 | 2 | 0.595 [")
    assert "| 0.100 [0.100, 0.100] |" in first
    assert second.startswith("| 80 | 0.1 | 2 | 0.495 [")
    assert second.count("[") == 2
    assert first.endswith("| -60.00 ± 0.00 | 40 |")


def test_densities_before_whitening_compare_whatever_it_was():
    frames = torch.randn(4000, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2.0, 0.5])
    own, other = fit_whitening([frames]), fit_whitening([7 * frames])

    def density(whitening):
        white = whitening.apply(frames).double()
        normal = torch.distributions.MultivariateNormal(white.mean(0), torch.cov(white.T))
        return normal.log_prob(white).mean().item() + log_volume(whitening)

    assert density(own) == pytest.approx(density(other), abs=1e-3)
    assert log_volume(other) == pytest.approx(log_volume(own) - 3 * math.log(7), abs=1e-6)
