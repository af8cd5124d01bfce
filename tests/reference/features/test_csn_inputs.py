"""The inputs of the CSN in torch against librosa, which is given ``tuning=0``, as the inputs keep to A = 440 Hz.

CENS counts steps: where a share of the chroma lies on a step, rounding decides, so that single frames may differ by
what one step makes after smoothing. On recordings 0.6 % of the frames differ by more than 0.01, none by more than
0.022.
"""

import librosa
import numpy as np
import pytest
import torch

from models.cqt import waveform_to_cqt
from models.csn.inputs import waveform_to_inputs

RATE, FFT, HOP = 22_050, 1_024, 512


def music(seed, seconds=20):
    """Chords of decaying notes with overtones, a click on each, and noise; slightly out of tune."""
    generator = np.random.default_rng(seed)
    time = np.arange(RATE // 2) / RATE
    chords = []
    for _ in range(2 * seconds):
        root = generator.integers(40, 70)
        sound = 0.2 * generator.normal(size=len(time)) * np.exp(-300 * time)
        for note in (root - 12, root, root + generator.integers(3, 5), root + 7, root + generator.integers(1, 24)):
            frequency = 440 * 2 ** ((note - 69 + generator.normal(scale=0.05)) / 12)
            overtones = (np.sin(2 * np.pi * frequency * part * time) / part**1.3 for part in range(1, 9))
            sound += 0.05 * sum(overtones) * np.exp(-generator.uniform(1, 6) * time)
        chords.append(sound)
    whole = np.concatenate(chords)
    return (whole + generator.normal(scale=0.003, size=len(whole))).astype(np.float32)


@pytest.fixture(scope="module", params=[0, 1, 2])
def waveform(request):
    return music(request.param)


@pytest.fixture(scope="module")
def inputs(waveform):
    return waveform_to_inputs(torch.from_numpy(waveform))


def mel_filtered(waveform, exponent):
    magnitude = np.abs(librosa.stft(waveform, n_fft=FFT, hop_length=HOP))
    return librosa.filters.mel(sr=RATE, n_fft=FFT, n_mels=128) @ magnitude**exponent


def librosa_mel(waveform):
    return (np.log10(1 + 10 * mel_filtered(waveform, 1)) - 0.2) / 0.25


def librosa_tempogram(waveform):
    decibels = librosa.power_to_db(mel_filtered(waveform, 2))
    onset = librosa.onset.onset_strength(S=decibels, sr=RATE, n_fft=FFT, hop_length=HOP)
    return librosa.feature.tempogram(onset_envelope=onset, sr=RATE, hop_length=HOP, win_length=384)


def librosa_cens(waveform):
    return librosa.feature.chroma_cens(y=waveform, sr=RATE, hop_length=HOP, tuning=0.0)


def test_the_mel_spectrogram(inputs, waveform):
    np.testing.assert_allclose(inputs.mel.numpy(), librosa_mel(waveform), atol=1e-5)


def test_the_tempogram(inputs, waveform):
    np.testing.assert_allclose(inputs.tempogram.numpy(), librosa_tempogram(waveform), atol=1e-5)


def test_chroma_energy_normalised_statistics(inputs, waveform):
    reference = librosa_cens(waveform)
    difference = np.abs(inputs.cens.numpy() - reference)
    assert inputs.cens.shape == reference.shape
    assert difference.max() <= 0.03
    assert difference.mean() <= 5e-4
    assert (difference.max(0) > 0.01).mean() <= 0.05


def test_the_constant_q_transform(waveform):
    ours = waveform_to_cqt(torch.from_numpy(waveform), RATE, HOP).numpy()
    reference = librosa.cqt(waveform, sr=RATE, hop_length=HOP, n_bins=252, bins_per_octave=36, tuning=0.0)
    difference = np.abs(ours - np.abs(reference).T)
    assert ours.shape == reference.T.shape
    assert (difference <= 0.01 * ours.max(1, keepdims=True)).all()
    assert difference.mean() <= 2e-5 * ours.max()


@pytest.mark.parametrize("samples", [100, 512, 1_000, 3_000, 9_000])
@pytest.mark.filterwarnings("ignore:n_fft")
def test_a_waveform_shorter_than_a_window(samples):
    waveform = music(3, 1)[2_000 : 2_000 + samples]
    inputs = waveform_to_inputs(torch.from_numpy(waveform))
    np.testing.assert_allclose(inputs.mel.numpy(), librosa_mel(waveform), atol=1e-5)
    np.testing.assert_allclose(inputs.tempogram.numpy(), librosa_tempogram(waveform), atol=1e-5)
    np.testing.assert_allclose(inputs.cens.numpy(), librosa_cens(waveform), atol=0.15)  # one step of one of few
