import numpy as np
import pytest

from models.rendering.performance import perform
from models.rendering.quality import Unusable, check_notes, check_sound
from models.rendering.synthesis import RATE_HZ


@pytest.fixture
def sound():
    """(2, T) ten seconds of noise."""
    return np.random.default_rng(0).normal(0, 0.1, (2, 10 * RATE_HZ)).astype(np.float32)


def test_music_that_sounds_throughout_is_given_back(sound, make_score, treat):
    assert check_sound(sound) is sound
    performance = perform(make_score(), treat(), 20.0)
    assert check_notes(performance) is performance


@pytest.mark.parametrize("gain", [0.0, 1e-4, np.nan])
def test_silence_is_unusable(sound, gain):
    with pytest.raises(Unusable, match="silent"):
        check_sound(sound * np.float32(gain))


def test_a_silent_beginning_is_unusable(sound):
    sound[:, : round(0.6 * RATE_HZ)] = 0
    with pytest.raises(Unusable, match="begins with silence"):
        check_sound(sound)


def test_a_beginning_just_before_the_half_second_is_usable(sound):
    sound[:, : round(0.4 * RATE_HZ)] = 0
    assert check_sound(sound) is sound


def test_a_silent_stretch_is_unusable(sound):
    sound[:, 3 * RATE_HZ : 6 * RATE_HZ] *= 1e-4
    with pytest.raises(Unusable, match="for a stretch"):
        check_sound(sound)


def test_nothing_played_is_unusable():
    with pytest.raises(Unusable, match="nothing to play"):
        check_notes(None)


def test_more_notes_than_anybody_plays_are_unusable(make_score, treat):
    with pytest.raises(Unusable, match="too many notes"):
        check_notes(perform(make_score(), treat(tempo_bpm=1_900.0), 20.0))


def test_music_in_which_hardly_anything_happens_is_unusable(make_score, treat):
    with pytest.raises(Unusable, match="too few notes"):
        check_notes(perform(make_score(), treat(tempo_bpm=30.0), 60.0))
