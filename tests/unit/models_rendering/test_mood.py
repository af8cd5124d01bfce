import pytest

from models.rendering.mood import mood_of

FAST_LOUD = {"tempo_bpm": 180.0, "velocity": 105, "articulation": "staccato"}
SLOW_SOFT = {"tempo_bpm": 60.0, "velocity": 48, "articulation": "legato"}


@pytest.mark.parametrize(
    ("mode", "how", "quadrant"),
    [
        ("major", FAST_LOUD, "happy"),
        ("minor", FAST_LOUD, "tense"),
        ("minor", SLOW_SOFT, "sad"),
        ("major", SLOW_SOFT, "calm"),
    ],
)
def test_mode_and_energy_decide_the_quadrant(treat, mode, how, quadrant):
    assert mood_of(mode, 62.0, treat(**how)).quadrant == quadrant


def test_without_a_mode_there_is_arousal_but_no_valence(treat):
    mood = mood_of(None, 62.0, treat(**FAST_LOUD))
    assert (mood.valence, mood.quadrant) == (None, None)
    assert mood.arousal > 0.5


def test_middling_music_has_no_mood(treat):
    assert mood_of("major", 62.0, treat(tempo_bpm=102.0, velocity=77)).quadrant is None


@pytest.mark.parametrize(
    ("less", "more"),
    [
        ({"tempo_bpm": 70.0}, {"tempo_bpm": 140.0}),
        ({"velocity": 60}, {"velocity": 90}),
        ({"articulation": "legato"}, {"articulation": "staccato"}),
    ],
)
def test_faster_louder_and_shorter_notes_raise_arousal(treat, less, more):
    assert mood_of("minor", 60.0, treat(**more)).arousal > mood_of("minor", 60.0, treat(**less)).arousal


def test_higher_and_faster_music_has_more_valence(treat):
    base = mood_of("minor", 55.0, treat(tempo_bpm=80.0)).valence
    assert mood_of("minor", 67.0, treat(tempo_bpm=80.0)).valence > base
    assert mood_of("minor", 55.0, treat(tempo_bpm=160.0)).valence > base


def test_valence_and_arousal_stay_within_one(treat):
    extreme = mood_of("major", 120.0, treat(tempo_bpm=190.0, velocity=110, articulation="staccato"))
    assert extreme.valence == pytest.approx(1.0)
    assert extreme.arousal == pytest.approx(1.0)
