"""Keys go together as musicians say, whichever way they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tonality import Kinship, Mode, Tonality

tonalities = st.builds(Tonality, st.integers(0, 11), st.sampled_from(Mode))
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
MINOR_SCALE = (0, 2, 3, 5, 7, 8, 10)


def notes(key):
    scale = MAJOR_SCALE if key.mode is Mode.MAJOR else MINOR_SCALE
    return {(key.tonic + step) % 12 for step in scale}


@given(tonalities)
def test_every_spelling_is_read_as_the_key_that_it_spells(key):
    assert str(key) == key.spellings()[0]
    assert {Tonality.parse(each) for each in key.spellings()} == {key}
    assert {Tonality.parse(f" {each.upper()} ") for each in key.spellings() if "b" not in each} <= {key}


@given(tonalities)
def test_a_relative_has_the_same_notes_and_the_other_mode(key):
    other = key.relative()
    assert notes(other) == notes(key)
    assert other.mode is not key.mode
    assert other.relative() == key


@given(tonalities)
def test_twelve_fifths_come_round(key):
    assert len({key.fifths_up(steps) for steps in range(12)}) == 12
    assert key.fifths_up(12) == key
    assert key.fifths_up(1).fifths_up(-1) == key


@given(tonalities)
def test_companions_share_all_notes_but_one_at_most_and_relatives_of_the_fifths_are_left_out(key):
    every = {Tonality(tonic, mode) for tonic in range(12) for mode in Mode}
    close = {other for other in every if len(notes(key) & notes(other)) >= 6}
    left_out = {key.fifths_up(step).relative() for step in (1, -1)}
    assert set(key.companions()) == close - left_out


@given(tonalities, tonalities)
def test_keys_go_together_both_ways(one, other):
    back = {
        None: None,
        Kinship.SAME: Kinship.SAME,
        Kinship.RELATIVE: Kinship.RELATIVE,
        Kinship.FIFTH_UP: Kinship.FIFTH_DOWN,
        Kinship.FIFTH_DOWN: Kinship.FIFTH_UP,
    }
    assert other.companions().get(one) is back[one.companions().get(other)]


def test_a_minor_goes_with_c_major_e_minor_and_d_minor():
    companions = Tonality.parse("A minor").companions()
    assert list(map(str, companions)) == ["A minor", "C major", "E minor", "D minor"]


def test_enharmonic_names_are_one_key():
    assert Tonality.parse("Bb major") == Tonality.parse("A# major") == Tonality.parse("B♭ Major")
    assert Tonality.parse("Cb major") == Tonality.parse("B major")
    assert Tonality.parse("F# major").spellings() == ("F# major", "Gb major")


@pytest.mark.parametrize("text", ["", "A", "minor", "H minor", "A dorian", "A## minor", "A minor!", "Aminor"])
def test_anything_else_is_no_key(text):
    assert Tonality.parse(text) is None


@given(st.text())
def test_no_text_breaks_the_reading(text):
    assert Tonality.parse(text) is None or isinstance(Tonality.parse(text), Tonality)
