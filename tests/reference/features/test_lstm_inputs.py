"""The chromagram of the encoder ``lstm`` against librosa's, which is given ``tuning=0``."""

import librosa
import numpy as np
import pytest

from models.baselines.lstm_inputs import chromagram
from models.track_frames import canonicalise

RATE = 22_050
PAUSE = slice(2 * RATE, int(2.5 * RATE))


@pytest.fixture(scope="module")
def canonical():
    """Four seconds of chords in noise, with a pause."""
    generator = np.random.default_rng(5)
    time = np.arange(4 * RATE) / RATE
    chords = sum(np.sin(2 * np.pi * 196 * 2 ** (step / 12) * time) for step in (0, 3.9, 7, 12)) * 0.1
    found = canonicalise((chords + generator.normal(scale=0.01, size=len(time))).astype(np.float32))
    found[PAUSE] = 0
    return found


@pytest.fixture(scope="module")
def ours(canonical):
    return chromagram(canonical).numpy()


@pytest.fixture(scope="module")
def theirs(canonical):
    return librosa.feature.chroma_stft(y=canonical, sr=RATE, n_fft=2048, hop_length=512, tuning=0.0).T


def test_there_is_a_frame_for_every_hop_that_begins(ours, theirs):
    assert ours.shape == (-(-4 * RATE // 512), 12)
    assert len(theirs) - len(ours) in {0, 1}


def test_frames_with_sound_are_librosas(ours, theirs):
    heard = ours.max(1) == 1
    assert heard.mean() > 0.8
    np.testing.assert_allclose(ours[heard], theirs[: len(ours)][heard], atol=1e-5)


def test_a_pause_is_zero(ours):
    assert not ours[PAUSE.start // 512 + 3 : PAUSE.stop // 512 - 2].any()


def test_pitch_classes_begin_with_c():
    time = np.arange(2 * RATE) / RATE
    for pitch, hertz in ((0, 261.63), (9, 440.0)):
        found = chromagram((0.1 * np.sin(2 * np.pi * hertz * time)).astype(np.float32))
        assert (found[5:-5].argmax(1) == pitch).all()
