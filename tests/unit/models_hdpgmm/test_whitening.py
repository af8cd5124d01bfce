"""White frames, however the corpus lies."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.hdpgmm.whitening import fit_whitening


def frames_of(seed, count=400, features=5):
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(features, features, generator=generator, dtype=torch.float64)
    return torch.randn(count, features, generator=generator, dtype=torch.float64) @ root + 7 * root[0]


@given(st.integers(0, 2**31))
def test_the_corpus_has_mean_0_and_covariance_1_afterwards(seed):
    frames = frames_of(seed)
    white = fit_whitening([frames[:100], frames[100:]]).apply(frames).double()
    torch.testing.assert_close(white.mean(0), torch.zeros(5).double(), atol=1e-4, rtol=0)
    covariance = white.mT @ white / len(white)
    torch.testing.assert_close(covariance, torch.eye(5).double(), atol=2e-3, rtol=0)


def test_how_frames_are_parted_among_tracks_is_no_matter():
    frames = frames_of(3)
    one, many = fit_whitening([frames]), fit_whitening(frames.split(7))
    torch.testing.assert_close(one.matrix, many.matrix)


@pytest.mark.parametrize("frames", [torch.zeros(9, 3), torch.full((9, 3), 4.0), torch.eye(3)[:1]])
def test_features_that_never_change_stay_finite(frames):
    assert fit_whitening([frames]).apply(frames).isfinite().all()
    assert fit_whitening([frames]).apply(frames + 1).isfinite().all()


def test_a_feature_that_another_one_repeats_is_no_matter():
    frames = frames_of(1)
    doubled = torch.cat([frames, frames[:, :1]], 1)
    white = fit_whitening([doubled]).apply(doubled)
    assert white.isfinite().all()
    assert white.abs().max() < 1e3
