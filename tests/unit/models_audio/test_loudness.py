import numpy as np
import pyloudnorm
import pytest

from models.audio import decode


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_loudness_is_that_of_bs_1770(rate, channels, make_encoded):
    noise = np.random.default_rng(1).normal(scale=0.05, size=(channels, 8 * rate))
    swell = np.concatenate([np.full(4 * rate, 0.1), np.ones(4 * rate)])
    samples = (noise * swell).astype(np.float32)
    measured = decode(make_encoded(samples, "flac", "flac", rate)).loudness_lufs
    assert measured == pytest.approx(pyloudnorm.Meter(rate).integrated_loudness(samples.T), abs=0.15)


def test_a_sine_at_minus_23_lufs_measures_so(make_pcm):
    """EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS."""
    time = np.arange(20 * 48_000) / 48_000
    sine = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time)
    measured = decode(make_pcm(np.stack([sine, sine]), "PCM_24", rate=48_000)).loudness_lufs
    assert measured == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_has_no_loudness(level, make_pcm, make_tone):
    assert decode(make_pcm(make_tone() * level, "FLOAT")).loudness_lufs is None


def test_loudness_does_not_depend_on_the_rate_of_the_waveform(make_pcm, make_tone):
    samples = make_tone(3.0, channels=2)
    low = decode(make_pcm(samples, "PCM_16"), sample_rate_hz=8_000)
    high = decode(make_pcm(samples, "PCM_16"), sample_rate_hz=44_100)
    assert low.loudness_lufs == high.loudness_lufs
