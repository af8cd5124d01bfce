import pytest

from models import analysis
from models.datasets.keys import KEYS, PITCH_NAMES, parse_key
from models.datasets.spelling import edit_distance, nearest


def test_pitches_are_called_as_the_analysis_calls_them():
    assert PITCH_NAMES == analysis.PITCH_NAMES
    assert len(set(KEYS)) == 24


@pytest.mark.parametrize("key", KEYS)
def test_every_key_reads_as_itself(key):
    assert parse_key(key) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        *((text, "A minor") for text in ("Am", "A min", "a minor", "a:min", "A-minor", "A Minor", "8A")),
        *((text, "A# minor") for text in ("Bbm", "B♭ minor", "bb minor", "A#m", "3A")),
        *((text, "C major") for text in ("C", "Cmaj", "CM", "c major", "B# major", "8B")),
        *((text, "B major") for text in ("B", "Cb major", "1B")),
        ("Fb minor", "E minor"),
    ],
)
def test_other_ways_to_write_a_key_are_understood(text, key):
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["a", "H minor", "A mixolydian", "13A", "0A", "?", "A minor B", "major"])
def test_what_is_no_key_is_refused(text):
    with pytest.raises(ValueError, match="expected one such as"):
        parse_key(text)


def test_a_misspelt_key_gets_a_suggestion():
    with pytest.raises(ValueError, match="did you mean 'A minor'"):
        parse_key("A miner")


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("", "abc", 3),
        ("abc", "abc", 0),
        ("artst", "artist", 1),
        ("tilte", "title", 1),
        ("kitten", "sitting", 3),
        ("ca", "abc", 3),
    ],
)
def test_edits_are_counted(one, other, edits):
    assert edit_distance(one, other) == edit_distance(other, one) == edits
    assert all((edit_distance(one, other, most) <= most) == (edits <= most) for most in range(5))


def test_the_nearest_word_is_found_or_none():
    assert nearest("validaton", ("train", "validation", "test")) == "validation"
    assert nearest("holdout", ("train", "validation", "test")) is None
