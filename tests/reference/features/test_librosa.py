"""The features in torch against librosa on the same signal; tolerances are relative to a feature's range."""

import librosa
import numpy as np
import pytest
import scipy.stats
import torch

from models import features
from models.statistics import seven_statistics

RATE, FFT, HOP = 22_050, 2_048, 512


@pytest.fixture(scope="module")
def waveform():
    """Five seconds of chords with clicks, noise that swells, and a pause: something for every feature."""
    generator = np.random.default_rng(11)
    time = np.arange(5 * RATE) / RATE
    chords = sum(np.sin(2 * np.pi * 220 * 2 ** (step / 12) * time) for step in (0, 4, 7, 12.1)) * 0.1
    clicks = (np.arange(len(time)) % 11_025 < 300) * generator.normal(size=len(time)) * 0.3
    noise = generator.normal(size=len(time)) * 0.02 * time
    sound = chords + clicks + noise
    sound[3 * RATE : int(3.2 * RATE)] = 0
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def power(waveform):
    return torch.cat(list(features.waveform_to_power(torch.from_numpy(waveform), FFT, HOP, FFT // 2 + 1, 100)))


@pytest.fixture(scope="module")
def magnitude(waveform):
    return np.abs(librosa.stft(waveform, n_fft=FFT, hop_length=HOP))


@pytest.fixture(scope="module")
def frequencies():
    return torch.from_numpy(librosa.fft_frequencies(sr=RATE, n_fft=FFT)).float()


def assert_close(ours, theirs, tolerance=1e-4):
    """Equal but for ``tolerance`` times the range of the reference."""
    assert ours.shape == theirs.shape
    assert np.abs(ours.numpy() - theirs).max() <= tolerance * np.ptp(theirs)


def test_the_power_spectrum(power, magnitude):
    assert_close(power, magnitude.T**2)


def test_blocks_do_not_change_the_spectrum(waveform, power):
    whole = torch.cat(list(features.waveform_to_power(torch.from_numpy(waveform), FFT, HOP, FFT // 2 + 1, 10_000)))
    torch.testing.assert_close(whole, power)


def test_the_zero_crossing_rate(waveform):
    """As librosa defines it; its own takes ten seconds to compile."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(waveform, FFT // 2), FFT)[::HOP]
    reference = (np.diff(np.signbit(frames), axis=1)).sum(1) / FFT
    assert_close(features.waveform_to_zcr(torch.from_numpy(waveform), FFT, HOP), reference, 2e-3)


def test_the_root_mean_square(waveform):
    reference = librosa.feature.rms(y=waveform, frame_length=FFT, hop_length=HOP)[0]
    assert_close(features.waveform_to_rms(torch.from_numpy(waveform), FFT, HOP), reference)


def test_centroid_bandwidth_and_rolloff(magnitude, frequencies):
    shape = features.magnitude_to_shape(torch.from_numpy(magnitude.T.copy()), frequencies)
    loud = magnitude.sum(0) > 1e-3  # of a silent frame librosa gives the roll-off of rounding errors
    for column, reference in enumerate(
        [
            librosa.feature.spectral_centroid(S=magnitude, sr=RATE, n_fft=FFT),
            librosa.feature.spectral_bandwidth(S=magnitude, sr=RATE, n_fft=FFT),
            librosa.feature.spectral_rolloff(S=magnitude, sr=RATE, n_fft=FFT),
        ]
    ):
        assert_close(shape[loud, column], reference[0, loud], 1e-3)


def test_spectral_contrast(magnitude, frequencies):
    ours = features.magnitude_to_contrast(torch.from_numpy(magnitude.T.copy()), frequencies)
    theirs = librosa.feature.spectral_contrast(S=magnitude + 1e-10, sr=RATE, n_fft=FFT, n_bands=5).T
    loud = magnitude.sum(0) > 1e-3
    difference = np.abs(ours[loud].numpy() - theirs[loud])
    assert ours.shape == theirs.shape
    assert difference.mean() < 0.02 * np.ptp(theirs[loud])  # librosa's bands are a bin longer or shorter


def test_mel_decibels_and_mfcc(waveform, power):
    mel = power @ features.mel_matrix(RATE, FFT, 128, RATE / 2, FFT // 2 + 1)
    reference = librosa.feature.melspectrogram(y=waveform, sr=RATE, n_fft=FFT, hop_length=HOP)
    assert_close(mel, reference.T)
    decibels = features.mel_to_decibels(mel, 1e-6)
    reference_db = librosa.power_to_db(reference, amin=1e-6, top_db=None)
    assert_close(decibels, reference_db.T)
    assert_close(features.decibels_to_mfcc(decibels, 20), librosa.feature.mfcc(S=reference_db, n_mfcc=20).T)


def test_the_chroma_of_a_spectrum(power, magnitude):
    chroma = features.chroma_normalised(power @ features.chroma_matrix(RATE, FFT, FFT // 2 + 1))
    reference = librosa.feature.chroma_stft(S=magnitude**2, sr=RATE, n_fft=FFT, tuning=0.0).T
    assert_close(chroma, reference)


def test_chroma_energy_normalised_statistics():
    bins = np.random.default_rng(2).random((84, 300)).astype(np.float32) ** 4
    chroma = features.semitones_to_chroma(torch.from_numpy(bins.T.copy()), 24)
    reference = librosa.feature.chroma_cens(C=bins, bins_per_octave=12, win_len_smooth=41)
    assert_close(features.chroma_to_cens(chroma, 41), reference.T)


def test_the_tonnetz():
    chroma = np.random.default_rng(3).random((12, 50)).astype(np.float32)
    assert_close(
        features.chroma_to_tonnetz(torch.from_numpy(chroma.T.copy())), librosa.feature.tonnetz(chroma=chroma).T
    )


def test_onset_strength(power):
    decibels = features.mel_to_decibels(power @ features.mel_matrix(RATE, FFT, 128, RATE / 2, FFT // 2 + 1), 1e-6)
    reference = librosa.onset.onset_strength(S=decibels.numpy().T, sr=RATE, center=False)
    assert_close(features.decibels_to_onset(decibels), reference)


def test_autocorrelation():
    onset = np.random.default_rng(4).random(432)
    ours = features.onset_to_autocorrelation(torch.from_numpy(onset)[None].float(), 190)[0]
    raw = librosa.autocorrelate(onset - onset.mean(), max_size=190) / (432 - np.arange(190))
    assert_close(ours, raw / raw[0])


def test_the_seven_statistics():
    values = np.random.default_rng(5).gamma(2.0, size=(3, 400, 4))
    ours = seven_statistics(torch.from_numpy(values)).reshape(3, 4, 7)
    theirs = [
        values.mean(1),
        values.std(1),
        scipy.stats.skew(values, 1),
        scipy.stats.kurtosis(values, 1, fisher=False),
        np.quantile(values, 0.5, 1, method="lower"),
        values.min(1),
        values.max(1),
    ]
    for column, reference in enumerate(theirs):
        assert_close(ours[..., column], reference)


@pytest.mark.parametrize("midi", [45, 57, 64, 72, 81])
def test_a_note_falls_on_its_pitch_class(midi):
    time = np.arange(2 * RATE) / RATE
    note = torch.from_numpy(np.sin(2 * np.pi * 440 * 2 ** ((midi - 69) / 12) * time).astype(np.float32))
    matrix = features.semitone_matrix(RATE, 8_192, 33, 72, 4_097)
    power = torch.cat(list(features.waveform_to_power(note, 8_192, 2_048, 4_097, 64)))
    chroma = features.semitones_to_chroma((power @ matrix).sqrt(), 33)
    assert (chroma[2:-2].argmax(1) == midi % 12).all()
