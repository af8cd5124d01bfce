from dataclasses import replace

import numpy as np
import pytest

from models.rendering.performance import PREROLL_S, held_s, perform, semitones
from models.rendering.score import Note, Part

DURATION_S = 20.0


def pitched(performance):
    return [note for note in performance.own_notes if note.program is not None]


def pitch_classes(performance):
    """(12,) time for which each sounds."""
    found = np.zeros(12)
    for note in pitched(performance):
        found[note.pitch % 12] += note.duration_s
    return found


@pytest.mark.parametrize("tempo_bpm", [55.0, 93.37, 190.0])
def test_a_beat_lasts_what_the_tempo_says(make_score, treat, tempo_bpm):
    performance = perform(make_score(), treat(tempo_bpm=tempo_bpm), DURATION_S)
    onsets = sorted({note.start_s for note in performance.own_notes})
    assert np.diff(onsets) == pytest.approx(60 / tempo_bpm)


def test_the_notes_of_loose_players_lie_around_the_beat(make_score, treat):
    performance = perform(make_score(), treat(looseness_s=0.01), DURATION_S)
    late = [(note.start_s + 0.25) % 0.5 - 0.25 for note in performance.own_notes[8:]]
    assert abs(np.mean(late)) < 0.004
    assert 0.006 < np.std(late) < 0.014


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_the_piece_stands_in_the_drawn_key(make_score, treat, tonic, mode):
    performance = perform(make_score(tonic=2, mode=mode), treat(tonic=tonic), DURATION_S)
    degrees = {"major": {0, 2, 4, 5, 7, 9, 11}, "minor": {0, 2, 3, 5, 7, 8, 11}}[mode]
    found = pitch_classes(performance)
    assert set(np.flatnonzero(found)) == {(tonic + degree) % 12 for degree in degrees}
    assert found.argmax() == tonic


def test_transposition_takes_the_way_that_is_nearest_to_the_height():
    assert [semitones(0, target, -0.1) for target in range(12)] == [0, 1, 2, 3, 4, 5, -6, -5, -4, -3, -2, -1]
    assert semitones(11, 0, 0.0) == 1
    assert semitones(0, 2, 11.0) == 14
    assert semitones(0, 2, -11.0) == -10


def test_height_moves_everything_but_drums(make_score, treat):
    low, high = (perform(make_score(), treat(height=height), DURATION_S) for height in (0.0, 12.0))
    assert high.mean_pitch == pytest.approx(low.mean_pitch + 12)
    drums = [[note.pitch for note in played.notes if note.program is None] for played in (low, high)]
    assert drums[0] == drums[1]


def test_a_height_that_would_leave_the_range_is_not_taken(make_score, treat, move):
    low = move(make_score(drums=False), semitones=-8)
    assert perform(low, treat(height=-12.0), DURATION_S).mean_pitch == perform(low, treat(), DURATION_S).mean_pitch


def test_drums_sound_only_where_they_are_drawn(make_score, treat):
    assert perform(make_score(), treat(with_drums=True), DURATION_S).has_drums
    assert not perform(make_score(), treat(with_drums=False), DURATION_S).has_drums
    assert not perform(make_score(drums=False), treat(with_drums=True), DURATION_S).has_drums


def test_parts_are_given_to_instruments_by_their_height(make_score, treat):
    performance = perform(make_score(), treat(programs=(43, 42, 41, 40)), DURATION_S)
    programs = {note.program: note.pitch for note in pitched(performance)}
    assert set(programs) == {43, 41}
    assert programs[43] < programs[41]


def test_legato_is_longer_than_normal_and_normal_than_staccato():
    staccato, normal, legato = (held_s(0.5, how) for how in ("staccato", "normal", "legato"))
    assert staccato < normal < 0.5 < legato
    assert held_s(4.0, "staccato") <= 0.25
    assert held_s(0.01, "staccato") >= 0.05


def test_velocity_is_around_what_is_drawn_and_parts_keep_their_balance(make_score, treat):
    performance = perform(make_score(), treat(velocity=60), DURATION_S)
    assert np.mean([note.velocity for note in pitched(performance)]) == pytest.approx(60, abs=2)
    tune, bass = ([n.velocity for n in pitched(performance) if (n.pitch > 50) == high] for high in (True, False))
    assert np.mean(tune) > np.mean(bass) + 4


def test_the_place_decides_the_bar_at_which_an_excerpt_begins(make_score, treat):
    score = make_score(bars=40)
    rising = Part("rising", tuple(Note(float(beat), 1.0, 40 + beat % 57, beat % 120 + 1) for beat in range(160)))
    score = replace(score, parts=(rising,))
    first, last = (perform(score, treat(place=place), DURATION_S).own_notes[0] for place in (0.0, 0.999))
    assert first.pitch == 40 - 2
    assert last.pitch == 40 + (160 - 40) % 57 - 2  # the last 10 bars of 40


def test_a_short_piece_is_repeated_in_whole_bars(make_score, treat):
    performance = perform(make_score(bars=2, drums=False), treat(), DURATION_S)
    bass = [note.start_s for note in pitched(performance) if note.pitch < 50]
    assert bass == pytest.approx(np.arange(0, DURATION_S, 2.0))


def test_the_first_note_of_the_excerpt_begins_it(make_score, treat, move):
    late = move(make_score(drums=False), beats=7)
    assert perform(late, treat(), DURATION_S).own_notes[0].start_s == 0


def test_music_before_the_excerpt_is_played_too(make_score, treat):
    performance = perform(make_score(bars=40), treat(place=0.9), DURATION_S)
    assert -PREROLL_S <= performance.notes[0].start_s < -1
    assert max(note.start_s for note in performance.notes) < DURATION_S


def test_a_score_without_pitched_parts_cannot_be_played(make_score, treat):
    score = make_score()
    assert perform(replace(score, parts=score.parts[-1:]), treat(), DURATION_S) is None
