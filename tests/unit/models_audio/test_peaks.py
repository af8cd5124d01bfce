"""The picture of a waveform."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.audio import PEAKS, waveform_to_peaks


def test_silence_is_zero_and_full_scale_the_most():
    assert set(waveform_to_peaks(np.zeros(10_000, np.float32))) == {0}
    square = np.tile(np.float32([1, -1]), 5000)
    assert set(waveform_to_peaks(square)) == {255}


def test_a_loud_part_stands_out_where_it_is():
    waveform = np.full(8000, 0.1, np.float32)
    waveform[2000:4000] = -0.8
    peaks = waveform_to_peaks(waveform, parts=8)
    assert peaks.tolist() == [26, 26, 204, 204, 26, 26, 26, 26]


def test_the_sign_of_a_peak_does_not_matter_and_a_single_sample_is_seen():
    for sign in (1, -1):
        waveform = np.zeros(80_000, np.float32)
        waveform[70_001] = sign * 0.5
        peaks = waveform_to_peaks(waveform)
        assert np.flatnonzero(peaks).tolist() == [700]
        assert peaks[700] == 128


def test_what_is_beyond_full_scale_stays_there():
    assert waveform_to_peaks(np.float32([3.0, -2.0])).tolist() == [255, 255]


@pytest.mark.parametrize(("samples", "parts"), [(0, 0), (1, 1), (799, 799), (800, 800), (801, 800), (10**6, 800)])
def test_a_picture_has_no_more_parts_than_samples(samples, parts):
    assert waveform_to_peaks(np.ones(samples, np.float32)).shape == (parts,)


@given(st.integers(1, 3000), st.integers(1, 50), st.integers(0, 2**32 - 1))
def test_each_peak_is_the_greatest_magnitude_of_its_part(samples, parts, seed):
    waveform = np.random.default_rng(seed).uniform(-1, 1, samples).astype(np.float32)
    count = min(samples, parts)
    edges = [place * samples // count for place in range(count + 1)]
    expected = [np.abs(waveform[edges[place] : edges[place + 1]]).max() for place in range(count)]
    assert waveform_to_peaks(waveform, parts) == pytest.approx(255 * np.array(expected), abs=0.51)


def test_memory_does_not_grow_with_the_waveform():
    waveform = np.ones(4_000_000, np.float32)
    tracemalloc.start()
    try:
        assert len(waveform_to_peaks(waveform)) == PEAKS
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < waveform.nbytes / 100
