"""Crops of signals: whole steps, from anywhere or from the middle, and filled up where a track is too short."""

import numpy as np
import pytest
import torch

from models.wavenet.inputs import element_rate_hz
from models.wavenet.training.crops import crop_elements, middle_crop, random_crops
from models.wavenet.training.signal_cache import SignalCache

FILLING = torch.tensor([-5.0])


@pytest.fixture(scope="module")
def cache(make, tmp_path_factory):
    """Ramps of 100 and of 7 elements."""
    made = SignalCache(tmp_path_factory.mktemp("cache"), 180.0, make.settings())
    for length in (100, 7):
        made.write(str(length), torch.arange(length)[:, None].half())
    return made


@pytest.mark.parametrize("signal", ["samples", "mel"])
@pytest.mark.parametrize("seconds", [1.0, 2.5, 12.0])
def test_a_crop_is_of_whole_steps_and_no_shorter_than_it_was_asked_for(make, signal, seconds):
    settings = make.settings(signal=signal)
    found, asked = crop_elements(seconds, settings), seconds * element_rate_hz(settings)
    assert found % settings.step == 0
    assert asked <= found < asked + settings.step


def test_random_crops_are_from_anywhere_in_the_track(cache):
    found = random_crops(cache, ["100"] * 600, 90, FILLING, np.random.default_rng(0))
    assert found.shape == (600, 90, 1)
    assert found.dtype == torch.float32
    assert set(found[:, 0, 0].tolist()) == set(range(11))
    assert torch.equal(found - found[:, :1], torch.arange(90.0)[None, :, None].expand(600, -1, -1))


def test_the_same_seed_draws_the_same_crops(cache):
    one, again, other = (
        random_crops(cache, ["100"] * 5, 20, FILLING, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_short_track_is_taken_whole_and_filled_up_behind(cache):
    expected = [*range(7), *[-5] * 3]
    assert random_crops(cache, ["7"], 10, FILLING, np.random.default_rng(0))[0, :, 0].tolist() == expected
    assert middle_crop(cache, "7", 10, FILLING)[0, :, 0].tolist() == expected


@pytest.mark.parametrize(("length", "first"), [(100, 0), (90, 5), (91, 4), (2, 49)])
def test_the_middle_is_as_far_from_either_end(cache, length, first):
    found = middle_crop(cache, "100", length, FILLING)
    assert found[0, :, 0].tolist() == list(range(first, first + length))
