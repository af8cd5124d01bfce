"""Changes of crops: each by itself, within what is set, and none where nothing is."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.wavenet.training.augmentation import CURVE_POINTS, augmented
from models.wavenet.training.config import AugmentationSettings

BANDS, LENGTH = 16, 40
FILLING = torch.linspace(-3, 3, BANDS)
SEEDS = st.integers(0, 2**32 - 1)


def crops_of(count, width=BANDS, seed=0):
    return 10 + torch.rand(count, LENGTH, width, generator=torch.Generator().manual_seed(seed))


def changed(make, crops, seed=0, signal="mel", **most):
    filling = FILLING if signal == "mel" else torch.tensor([-1.0])
    generator = np.random.default_rng(seed)
    return augmented(crops, filling, make.settings(signal=signal), AugmentationSettings(**most), generator)


def span(places):
    """(first, end) of a run of places without a gap."""
    found = places.nonzero().flatten().tolist()
    assert found == list(range(found[0], found[-1] + 1))
    return found[0], found[-1] + 1


@pytest.mark.parametrize(("signal", "width"), [("mel", BANDS), ("samples", 1)])
def test_without_augmentation_nothing_is_changed(make, signal, width):
    crops = crops_of(5, width)
    assert torch.equal(changed(make, crops, signal=signal), crops)


@pytest.mark.parametrize(("signal", "width"), [("mel", BANDS), ("samples", 1)])
def test_crops_are_left_as_they_were_and_the_same_seed_changes_them_alike(make, signal, width):
    crops, most = crops_of(5, width), {"most_db": 6, "most_shift": 2, "masked_bands": 0.5, "masked_time": 0.5}
    before = crops.clone()
    one, again, other = (changed(make, crops, seed, signal, **most) for seed in (3, 3, 4))
    assert torch.equal(crops, before)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_bands_move_together_and_the_outermost_stands_again_where_one_is_left_free(make):
    crops = torch.arange(BANDS).float().expand(200, LENGTH, BANDS)
    found = changed(make, crops, most_shift=3)
    assert torch.equal(found, found[:, :1].expand_as(found))
    moves = (crops[:, 0, 8] - found[:, 0, 8]).tolist()
    assert set(moves) == set(range(-3, 4))
    for move, row in zip(moves, found[:, 0], strict=True):
        assert row.tolist() == [min(max(band - move, 0), BANDS - 1) for band in range(BANDS)]


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.floats(0.1, 20))
def test_a_curve_over_the_bands_is_the_same_at_all_times_and_straight_between_its_points(make, seed, most_db):
    filling, generator = torch.zeros(17), np.random.default_rng(seed)
    most = AugmentationSettings(most_db=most_db)
    crops = crops_of(3, 17)
    curves = augmented(crops, filling, make.settings(signal="mel", mel_bands=17), most, generator) - crops
    torch.testing.assert_close(curves, curves[:, :1].expand_as(curves), atol=1e-4, rtol=0)
    assert curves.abs().max() <= most_db + 1e-4
    corners = curves[:, 0].diff(dim=1).diff(dim=1)
    between = (torch.arange(1, 16) % (16 // (CURVE_POINTS - 1))) != 0
    assert corners[:, between].abs().max() < 1e-4
    assert (curves[0, 0] - curves[1, 0]).abs().max() > 1e-4


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.floats(0.1, 20))
def test_samples_change_in_level_each_crop_by_a_factor_of_its_own(make, seed, most_db):
    crops = crops_of(4, 1)
    factors = changed(make, crops, seed, "samples", most_db=most_db) / crops
    torch.testing.assert_close(factors, factors[:, :1].expand_as(factors))
    assert (20 * factors.log10()).abs().max() <= most_db + 1e-4
    assert len(factors[:, 0].unique()) == 4


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.floats(0.1, 1))
def test_a_span_of_time_is_masked_by_the_filling_and_the_rest_is_left(make, seed, most):
    crops = crops_of(6)
    for crop, found in zip(crops, changed(make, crops, seed, masked_time=most), strict=True):
        masked = (found != crop).all(1)
        assert torch.equal(found[~masked], crop[~masked])
        assert torch.equal(found[masked], FILLING.expand(int(masked.sum()), -1))
        if masked.any():
            first, end = span(masked)
            assert end - first <= most * LENGTH


@settings(deadline=None, max_examples=30)
@given(SEEDS, st.floats(0.1, 1))
def test_bands_in_a_row_are_masked_by_their_fillings_and_the_rest_is_left(make, seed, most):
    crops = crops_of(6)
    for crop, found in zip(crops, changed(make, crops, seed, masked_bands=most), strict=True):
        masked = (found != crop).all(0)
        assert torch.equal(found[:, ~masked], crop[:, ~masked])
        assert torch.equal(found[:, masked], FILLING[masked].expand(LENGTH, -1))
        if masked.any():
            first, end = span(masked)
            assert end - first <= most * BANDS


def test_spans_are_of_any_length_up_to_the_most_and_anywhere(make):
    crops = crops_of(600)
    masked = (changed(make, crops, masked_time=0.25) != crops).all(2)
    assert set(masked.sum(1).tolist()) == set(range(11))
    assert masked.any(0).all()
    signals = crops_of(300, 1)
    heard = (changed(make, signals, signal="samples", masked_time=1.0) != signals).all(2)
    assert {0, LENGTH} <= set(heard.sum(1).tolist())
