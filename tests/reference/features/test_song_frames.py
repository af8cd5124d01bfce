"""The 52 features of paper 000 in torch against librosa; tolerances are relative to a feature's range.

librosa is given ``tuning=0``, which the features keep to (see ``models.song_frames``).
"""

import librosa
import numpy as np
import pytest

from models.song_frames import song_frames

RATE = 22_050
LOG_FLOOR = 1e-8


@pytest.fixture(scope="module")
def waveform():
    """Four seconds of chords with clicks, noise that swells, and a pause."""
    generator = np.random.default_rng(5)
    time = np.arange(4 * RATE) / RATE
    chords = sum(np.sin(2 * np.pi * 196 * 2 ** (step / 12) * time) for step in (0, 3.9, 7, 12)) * 0.1
    clicks = (np.arange(len(time)) % 9_000 < 300) * generator.normal(size=len(time)) * 0.3
    sound = chords + clicks + generator.normal(size=len(time)) * 0.01 * time
    sound[2 * RATE : int(2.3 * RATE)] = 0
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def ours(waveform):
    return song_frames(waveform).numpy()


@pytest.fixture(scope="module")
def theirs(waveform):
    """As in the paper's code: one stack of features by librosa's defaults."""
    power = np.abs(librosa.stft(waveform)) ** 2
    decibels = librosa.power_to_db(librosa.feature.melspectrogram(S=power, sr=RATE))
    mfcc = librosa.feature.mfcc(S=decibels, n_mfcc=13)
    chroma = librosa.feature.chroma_stft(S=power, sr=RATE, tuning=0.0)
    onset = librosa.onset.onset_strength(S=decibels, sr=RATE)
    logs = [np.log(np.maximum(feature, LOG_FLOOR)) for feature in (chroma, onset[None])]
    return np.concatenate([mfcc, librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2), *logs]).T


def test_there_are_as_many_frames_and_features(ours, theirs):
    assert ours.shape == theirs.shape == (1 + 4 * RATE // 512, 52)


@pytest.mark.parametrize(
    ("columns", "tolerance"),
    [(slice(0, 13), 1e-4), (slice(13, 26), 1e-4), (slice(26, 39), 1e-4)],
    ids=["mfcc", "delta", "delta-delta"],
)
def test_cepstra_and_their_changes(ours, theirs, columns, tolerance):
    assert np.abs(ours[:, columns] - theirs[:, columns]).max() <= tolerance * np.ptp(theirs[:, columns])


def test_chroma_where_there_is_sound(ours, theirs):
    loud = theirs[:, 39:51].min(1) > np.log(LOG_FLOOR)  # of rounding errors in silence chroma has none
    assert loud.mean() > 0.8
    np.testing.assert_allclose(ours[loud, 39:51], theirs[loud, 39:51], atol=2e-3)


def test_onset_strength(ours, theirs):
    """In the linear domain: near zero the logarithm makes much of rounding errors."""
    np.testing.assert_allclose(np.exp(ours[:, 51]), np.exp(theirs[:, 51]), atol=1e-3)
