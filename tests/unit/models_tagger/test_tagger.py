import sys

import numpy as np
import pytest

from models.errors import ToolMissing, WaveformTooShort
from models.taggers.front_end import SAMPLE_RATE_HZ
from models.taggers.tagger import TagScores, cut_windows, read_tagger, resampled
from models.taggers.vocabulary import MSD

SECOND = SAMPLE_RATE_HZ


@pytest.mark.parametrize(("seconds", "windows"), [(1, 1), (29, 1), (43, 1), (43.5, 2), (58, 2), (73, 3)])
def test_windows_are_as_many_as_fit_when_rounded(noise, seconds, windows):
    assert cut_windows(noise(seconds), 29 * SECOND).shape == (windows, 29 * SECOND)


def test_windows_lie_side_by_side(noise):
    waveform = noise(9)
    np.testing.assert_array_equal(cut_windows(waveform, 3 * SECOND).ravel(), waveform)


def test_a_short_clip_is_repeated_until_it_fills_a_window(noise):
    clip = noise(2)
    (window,) = cut_windows(clip, 5 * SECOND)
    np.testing.assert_array_equal(window, np.concatenate([clip, clip, clip[:SECOND]]))


def test_a_last_window_is_filled_by_repeating_its_own_sound(noise):
    waveform = noise(5)
    _, last = cut_windows(waveform, 3 * SECOND)
    np.testing.assert_array_equal(last, np.concatenate([waveform[3 * SECOND :], waveform[3 * SECOND : 4 * SECOND]]))


def test_what_is_shorter_than_a_second_is_refused(tagger, noise):
    with pytest.raises(WaveformTooShort, match=r"0\.50 s; a tagger needs at least 1 s"):
        tagger("jamendo_musicnn").score(noise(0.5))


def test_scores_come_per_window_with_the_hidden_layer(tagger, noise):
    musicnn = tagger("jamendo_musicnn")
    scores = musicnn.score(noise(25))
    assert scores.tags == musicnn.tags
    assert scores.windows.shape == (8, 50)
    assert scores.hidden.shape == (8, 200)
    assert (scores.hidden >= 0).all()


def test_a_window_scores_alike_alone_and_among_others(tagger, noise):
    musicnn, waveform = tagger("jamendo_musicnn"), noise(18)
    alone = musicnn.score(waveform[15 * SECOND : 18 * SECOND])
    np.testing.assert_allclose(musicnn.score(waveform).windows[5], alone.windows[0], atol=1e-5)


def test_the_same_sound_scores_the_same_and_another_does_not(tagger, noise):
    crnn = tagger("msd_crnn")
    np.testing.assert_array_equal(crnn.score(noise(10)).windows, crnn.score(noise(10)).windows)
    assert not np.array_equal(crnn.score(noise(10)).windows, crnn.score(noise(10) ** 2).windows)


def test_a_track_has_the_mean_of_its_windows():
    windows = np.zeros((2, 50), np.float32)
    windows[:, MSD.index("jazz")] = 0.2, 0.6
    windows[:, MSD.index("sad")] = 0.9, 0.5
    scores = TagScores(MSD, windows, np.array([[0.0, 2.0], [4.0, 2.0]], np.float32))
    assert scores.top(2) == [("sad", pytest.approx(0.7)), ("jazz", pytest.approx(0.4))]
    np.testing.assert_allclose(scores.embedding, [2, 2])


def test_resampling_keeps_a_tone_and_its_level():
    time_s = np.arange(22_050) / 22_050
    tone = resampled(np.sin(2 * np.pi * 1000 * time_s).astype(np.float32), 22_050)
    assert len(tone) == SAMPLE_RATE_HZ
    expected = np.sin(2 * np.pi * 1000 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    np.testing.assert_allclose(tone[1000:-1000], expected[1000:-1000], atol=1e-3)


def test_without_soxr_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(ToolMissing, match=r"soundkin\[evaluation\]"):
        resampled(np.zeros(22_050, np.float32), 22_050)


@pytest.mark.parametrize(
    "name", ["msd_fcn", "msd_crnn", "mtat_fcn", "mtat_crnn", "mtat_musicnn", "jamendo_crnn", "jamendo_musicnn"]
)
def test_the_published_taggers_take_a_soft_drone_for_ambient_or_quiet(published_weights, name):
    published = read_tagger(published_weights / f"{name}.pth")
    time_s = np.arange(29 * SECOND) / SECOND
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110.0, 164.8, 220.0, 261.6))
    drone = (0.05 * chord * (1 + np.sin(2 * np.pi * 0.1 * time_s))).astype(np.float32)
    best = {tag.removeprefix("genre---") for tag, _ in published.score(drone).top(3)}
    assert best & {"ambient", "quiet"}
