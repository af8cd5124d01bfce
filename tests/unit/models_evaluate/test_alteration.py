"""What alterations do to a waveform, measured on tones and noise."""

import numpy as np
import pytest

from models.evaluate.alteration import ALTERATIONS
from models.evaluate.system import CLIP_RATE_HZ as RATE


def tone(hz=440.0, seconds=2.0):
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def noise(seconds=2.0):
    return (0.1 * np.random.default_rng(0).standard_normal(round(seconds * RATE))).astype(np.float32)


def pitch_hz(waveform):
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform)), 1 << 18))
    return spectrum.argmax() * RATE / (1 << 18)


def applied(name, waveform, seed="a"):
    return ALTERATIONS[name].applied(waveform, seed)


@pytest.mark.parametrize("name", ALTERATIONS)
def test_every_alteration_changes_something_and_keeps_it_sound(name):
    before = noise()
    after = applied(name, before)
    assert after.dtype == np.float32
    assert np.isfinite(after).all()
    assert after.shape != before.shape or np.abs(after - before).max() > 1e-3


@pytest.mark.parametrize("name", ALTERATIONS)
def test_the_same_seed_gives_the_same_sound(name):
    np.testing.assert_array_equal(applied(name, noise()), applied(name, noise()))


@pytest.mark.parametrize("name", ALTERATIONS)
def test_the_waveform_that_came_is_left_alone(name):
    before = noise()
    applied(name, before)
    np.testing.assert_array_equal(before, noise())


@pytest.mark.parametrize("semitones", [-2, -1, 1, 2])
def test_pitch_moves_by_semitones_and_the_length_stays(semitones):
    after = applied(f"pitch {semitones:+d} st", tone())
    assert len(after) == len(tone())
    assert pitch_hz(after) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.003)


@pytest.mark.parametrize("percent", [-12, -6, 6, 12])
def test_tempo_changes_the_length_and_the_pitch_stays(percent):
    after = applied(f"tempo {percent:+d} %", tone())
    assert len(after) == pytest.approx(len(tone()) / (1 + percent / 100), rel=1e-3)
    assert pitch_hz(after) == pytest.approx(440, rel=0.003)


def test_noise_lies_20_db_below_the_sound():
    added = applied("noise 20 dB", tone()) - tone()
    assert 10 * np.log10(np.square(tone()).mean() / np.square(added).mean()) == pytest.approx(20, abs=0.1)


def test_noise_differs_from_track_to_track():
    assert np.abs(applied("noise 20 dB", tone(), "a") - applied("noise 20 dB", tone(), "b")).max() > 1e-3


def test_quieter_is_a_quarter_of_the_amplitude():
    np.testing.assert_allclose(applied("-12 dB", tone()), tone() * 10 ** (-12 / 20), rtol=1e-6)


def test_the_low_pass_takes_high_tones_and_leaves_low_ones():
    inner = slice(1_000, -1_000)
    assert np.abs(applied("low-pass 4 kHz", tone(6_000))[inner]).max() < 1e-3
    np.testing.assert_allclose(applied("low-pass 4 kHz", tone())[inner], tone()[inner], atol=1e-3)


def test_an_mp3_sounds_alike_but_not_the_same():
    after = applied("mp3 48 kb/s", tone())
    assert pitch_hz(after) == pytest.approx(440, rel=0.003)
    assert len(after) == pytest.approx(len(tone()), abs=RATE // 5)
