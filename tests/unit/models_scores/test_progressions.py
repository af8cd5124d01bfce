import re

import numpy as np

from models.rendering.progression import Progression, distinct_progressions, draw_progression

DRAWN = [draw_progression(np.random.default_rng(seed)) for seed in range(300)]


def test_progressions_have_8_to_16_bars_of_one_or_two_chords():
    assert {len(progression.bars) for progression in DRAWN} == {8, 12, 16}
    assert {len(bar) for progression in DRAWN for bar in progression.bars} == {1, 2}


def test_every_progression_ends_on_its_tonic():
    for progression in DRAWN:
        assert progression.bars[-1][-1] in ({"I", "I7"} if progression.mode == "major" else {"i"})


def test_the_dominant_leads_to_the_tonic_in_every_progression():
    assert all(
        {"V", "V7", "bVII"} & {degree for bar in progression.bars for degree in bar} for progression in DRAWN
    )


def test_both_modes_and_blues_are_drawn():
    assert {progression.mode for progression in DRAWN} == {"major", "minor"}
    assert any(progression.bars[0] == ("I7",) and len(progression.bars) == 12 for progression in DRAWN)


def test_chords_are_on_the_tonic_c():
    plain = Progression("minor", (("i", "V"), ("bVI",)), sevenths=False)
    assert plain.chords == (("Cm", "G"), ("Ab",))
    assert plain.name == "i V|bVI"
    assert Progression("major", (("I", "ii"),), sevenths=True).chords == (("CM7", "Dm7"),)


def test_every_degree_has_a_chord():
    chords = {chord for progression in DRAWN for bar in progression.chords for chord in bar}
    assert all(re.fullmatch(r"[A-G]b?(m|M)?7?(b5)?", chord) for chord in chords)


def test_distinct_progressions_are_distinct_and_the_same_for_a_seed():
    progressions = distinct_progressions(1_000, seed=3)
    assert len({(progression.mode, progression.bars) for progression in progressions}) == 1_000
    assert progressions == distinct_progressions(1_000, seed=3)
    assert progressions[:10] != distinct_progressions(10, seed=4)
