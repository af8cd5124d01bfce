import gc

import numpy as np
import pytest
import torch

from models import track_frames
from models.track_frames import (
    BAND_LIMIT_HZ,
    LEVEL_RMS,
    SAMPLE_RATE_HZ,
    canonicalise,
    gated_rms,
    shared_track_frames,
    waveform_to_track_frames,
)


@pytest.fixture
def waveform():
    generator = np.random.default_rng(6)
    time = np.arange(12 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = 0.2 * np.sin(2 * np.pi * 330 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 2 * time))
    return (tone + generator.normal(scale=0.02, size=len(time))).astype(np.float32)


def share_that_differs(first, second):
    """Share of all features that differ by more than half a percent; a few sit where rounding decides."""
    differs = [
        ~torch.isclose(getattr(first, name), getattr(second, name), rtol=5e-3, atol=5e-3).flatten()
        for name in ("timbre", "harmony", "semitones", "onsets", "dynamics")
    ]
    return float(torch.cat(differs).float().mean())


def test_level_and_offset_leave_no_trace(waveform):
    changed = waveform * np.float32(0.05) + np.float32(0.3)
    assert share_that_differs(waveform_to_track_frames(waveform), waveform_to_track_frames(changed)) < 0.002


def test_another_sound_does_leave_a_trace(waveform):
    assert (
        share_that_differs(waveform_to_track_frames(waveform), waveform_to_track_frames(waveform[::-1].copy()))
        > 0.5
    )


def test_what_lies_beyond_the_band_leaves_no_trace(waveform):
    time = np.arange(len(waveform)) / SAMPLE_RATE_HZ
    hiss = 0.05 * np.sin(2 * np.pi * 9_000 * time).astype(np.float32)
    assert BAND_LIMIT_HZ * 1.2 < 9_000
    inside = slice(100, -100)  # a tone that begins at once has every frequency
    np.testing.assert_allclose(canonicalise(waveform + hiss)[inside], canonicalise(waveform)[inside], atol=2e-3)


def test_the_level_is_that_of_the_loud_parts(waveform):
    with_pause = np.concatenate([waveform, np.zeros_like(waveform)])
    assert gated_rms(canonicalise(with_pause)) == pytest.approx(LEVEL_RMS, rel=1e-3)
    np.testing.assert_allclose(
        canonicalise(with_pause)[: len(waveform)], canonicalise(waveform), rtol=0.05, atol=1e-2
    )


def test_a_read_only_waveform_is_worked_on_once_and_forgotten_with_it(waveform):
    waveform = waveform.copy()  # the fixture holds the other
    waveform.flags.writeable = False
    first = shared_track_frames(waveform)
    assert shared_track_frames(waveform) is first
    held = len(track_frames._shared)
    del waveform, first
    gc.collect()
    assert len(track_frames._shared) == held - 1


def test_a_waveform_that_may_change_is_worked_on_every_time(waveform):
    first = shared_track_frames(waveform)
    waveform *= 0
    assert not first.silent
    assert shared_track_frames(waveform).silent


def test_a_slice_of_a_read_only_waveform_is_its_own(waveform):
    waveform.flags.writeable = False
    whole = shared_track_frames(waveform)
    part = shared_track_frames(waveform[: len(waveform) // 2])
    assert len(part.timbre) < len(whole.timbre)
