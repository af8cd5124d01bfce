"""That features are computed in blocks is not to be seen in them."""

from unittest import mock

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import cqt, features
from models.csn.inputs import HOP_SAMPLES, SAMPLE_RATE_HZ, waveform_to_inputs


def noise(samples):
    return torch.randn(samples, generator=torch.Generator().manual_seed(samples))


@given(frames=st.integers(1, 1_000), block_frames=st.integers(1, 1_100))
@settings(max_examples=40)
def test_blocks_do_not_change_the_tempogram(frames, block_frames):
    onset = noise(frames).abs()
    whole = features.onset_to_tempogram(onset, 384, frames)
    torch.testing.assert_close(features.onset_to_tempogram(onset, 384, block_frames), whole, atol=1e-5, rtol=0)


@given(samples=st.integers(1, 60_000), block_frames=st.integers(1, 130))
@settings(max_examples=40)
def test_blocks_do_not_change_the_constant_q_transform(samples, block_frames):
    whole = cqt.waveform_to_cqt(noise(samples), SAMPLE_RATE_HZ, HOP_SAMPLES)
    with mock.patch.object(cqt, "BLOCK_FRAMES", block_frames):
        blocks = cqt.waveform_to_cqt(noise(samples), SAMPLE_RATE_HZ, HOP_SAMPLES)
    torch.testing.assert_close(blocks, whole, atol=1e-4, rtol=1e-5)


@given(samples=st.integers(1, 60_000))
@settings(max_examples=40)
def test_inputs_of_any_length_share_their_frames_and_are_finite(samples):
    inputs = waveform_to_inputs(noise(samples))
    for values in (inputs.mel, inputs.tempogram, inputs.cens):
        assert values.shape[1] == 1 + samples // HOP_SAMPLES
        assert values.isfinite().all()
    assert inputs.tempogram.abs().max() <= 1 + 1e-5
    assert inputs.cens.norm(dim=0).max() <= 1 + 1e-5


@given(samples=st.integers(1, 5_000))
def test_halving_keeps_every_other_place(samples):
    assert len(cqt.halved(noise(samples))) == (samples + 1) // 2
