from dataclasses import replace

import numpy as np
import pytest

from models.errors import ToolMissing
from models.rendering.kinship import shared_programs
from models.rendering.performance import Performance, PlayedNote
from models.rendering.synthesis import RATE_HZ, Synthesiser

DURATION_S = 2.0


@pytest.fixture(scope="module")
def synthesiser(font):
    return Synthesiser(font)


def playing(*notes):
    return Performance(notes, DURATION_S, 60.0, has_drums=False)


def note(start_s=0.0, duration_s=1.0, pitch=69, velocity=90, program=19):
    return PlayedNote(start_s, duration_s, pitch, velocity, program)


def level(sound):
    return np.sqrt((sound**2).mean())


def test_an_excerpt_is_stereo_and_as_long_as_it_says(synthesiser):
    assert synthesiser.play(playing(note())).shape == (2, DURATION_S * RATE_HZ)


def test_a_note_sounds_when_it_is_played(synthesiser):
    sound = synthesiser.play(playing(note(start_s=0.75)))
    onset = np.flatnonzero(np.abs(sound).max(0) > 1e-4)[0]
    assert onset / RATE_HZ == pytest.approx(0.75, abs=0.01)


def test_a_note_sounds_at_its_pitch(synthesiser):
    sound = synthesiser.play(playing(note(program=73, pitch=81))).mean(0)
    frequencies = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    assert frequencies[np.abs(np.fft.rfft(sound)).argmax()] == pytest.approx(880, rel=0.01)


def test_the_same_performance_sounds_the_same_whatever_was_played_before(synthesiser, font):
    performance = playing(
        note(), note(start_s=0.5, pitch=73, program=48), note(start_s=0.5, pitch=38, program=None)
    )
    first = synthesiser.play(performance)
    synthesiser.play(playing(*(note(duration_s=9.0, pitch=pitch, program=4) for pitch in range(40, 80))))
    assert np.array_equal(synthesiser.play(performance), first)
    assert np.array_equal(Synthesiser(font).play(performance), first)


def test_nothing_of_the_last_performance_is_left(synthesiser):
    synthesiser.play(playing(*(note(start_s=1.9, duration_s=9.0, pitch=pitch) for pitch in range(40, 80))))
    sound = synthesiser.play(playing(note(start_s=1.5)))
    assert np.abs(sound[:, :RATE_HZ]).max() == 0


def test_notes_before_the_excerpt_are_heard_dying_away(synthesiser):
    sound = synthesiser.play(playing(note(start_s=-1.0, duration_s=1.5), note(start_s=1.5, duration_s=0.2)))
    assert level(sound[:, : RATE_HZ // 4]) > 1e-3


def test_louder_notes_are_louder(synthesiser):
    soft, loud = (level(synthesiser.play(playing(note(velocity=velocity)))) for velocity in (40, 110))
    assert loud > 2 * soft


def test_a_full_orchestra_stays_finite(synthesiser):
    notes = [note(pitch=pitch, program=program) for pitch in range(40, 90) for program in (43, 60, 48, 73)]
    assert np.isfinite(synthesiser.play(playing(*notes))).all()


def test_instruments_stand_in_different_places(synthesiser):
    sides = []
    for program in (43, 73):
        sound = synthesiser.play(playing(note(program=program), replace(note(), program=116 - program, velocity=1)))
        sides.append(level(sound[0]) > level(sound[1]))
    assert sides == [True, False]


def test_a_soundfont_shares_every_instrument_with_itself(font, synthesiser):
    assert shared_programs(synthesiser, Synthesiser(font)) == pytest.approx(1.0)


@pytest.mark.parametrize("content", [b"", b"RIFF\x00\x00\x00\x00sfbk", b"no font at all" * 100])
def test_a_damaged_soundfont_is_refused(tmp_path, content):
    broken = tmp_path / "broken.sf2"
    broken.write_bytes(content)
    with pytest.raises(ToolMissing, match=r"broken\.sf2 is not a SoundFont that can be read"):
        Synthesiser(broken)


def test_half_a_soundfont_is_refused(tmp_path, font):
    half = tmp_path / "half.sf2"
    half.write_bytes(font.read_bytes()[:6_000])
    with pytest.raises(ToolMissing, match=r"half\.sf2 is not a SoundFont"):
        Synthesiser(half)


def test_a_soundfont_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ToolMissing, match=r"There is no SoundFont .*absent"):
        Synthesiser(tmp_path / "absent.sf2")
