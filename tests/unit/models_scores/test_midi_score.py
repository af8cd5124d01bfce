import io
from itertools import pairwise

import mido
import pytest

from models.errors import ScoreUnreadable
from models.rendering.midi_score import PieceFacts, beat_quarters, beats_per_bar, read_midi

FACTS = PieceFacts("piece", "origin", "collection", "Title", "Composer", "CC0", frozenset({"folk"}), "1750-1799")


def metre(numerator: int, denominator: int) -> mido.MetaMessage:
    return mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)


def key(name: str) -> mido.MetaMessage:
    return mido.MetaMessage("key_signature", key=name)


@pytest.mark.parametrize(
    ("metre", "quarters", "beats"),
    [
        ((4, 4), 1, 4),
        ((3, 4), 1, 3),
        ((2, 2), 2, 2),
        ((3, 8), 0.5, 3),
        ((6, 8), 1.5, 2),
        ((9, 8), 1.5, 3),
        ((12, 8), 1.5, 4),
        ((5, 8), 0.5, 5),
        ((6, 4), 1, 6),
    ],
)
def test_beats_are_those_that_are_felt(metre, quarters, beats):
    assert (float(beat_quarters(metre)), beats_per_bar(metre)) == (quarters, beats)


def test_notes_have_their_beats_pitches_and_velocities(midi_file, played):
    notes = [(float(start), 0.5, 60 + start) for start in range(12)]
    score = read_midi(midi_file(played(notes, velocity=99)), FACTS)
    (part,) = score.parts
    assert [(round(note.start_beats, 2), note.pitch, note.velocity) for note in part.notes] == [
        (start, pitch, 99) for start, _, pitch in notes
    ]
    assert all(note.duration_beats == pytest.approx(0.5, abs=0.01) for note in part.notes)


def test_facts_pass_into_the_score(midi_file, played, scale):
    score = read_midi(midi_file(played(scale(12))), FACTS)
    assert (score.piece, score.origin, score.collection, score.era) == (
        "piece",
        "origin",
        "collection",
        "1750-1799",
    )
    assert (score.title, score.composer, score.licence, score.genre) == ("Title", "Composer", "CC0", {"folk"})


def test_without_a_time_signature_it_is_in_four(midi_file, played, scale):
    assert read_midi(midi_file(played(scale(12))), FACTS).beats_per_bar == 4


def test_compound_metres_count_dotted_quarters(midi_file, played, scale):
    score = read_midi(midi_file([(0, metre(6, 8))], played(scale(24))), FACTS)
    assert score.beats_per_bar == 2
    assert score.length_beats == pytest.approx(16, abs=0.01)


def test_tempo_changes_move_no_note(midi_file, played, scale):
    slow = [(0, mido.MetaMessage("set_tempo", tempo=2_000_000)), (5, mido.MetaMessage("set_tempo", tempo=100_000))]
    plain, changed = (read_midi(midi_file(tempi, played(scale(12))), FACTS) for tempi in ([], slow))
    assert plain == changed


def test_the_longest_stretch_of_one_metre_is_taken_and_begins_at_zero(midi_file, played, scale):
    score = read_midi(midi_file([(0, metre(3, 4)), (9, metre(4, 4)), (41, metre(2, 4))], played(scale(45))), FACTS)
    (part,) = score.parts
    assert score.beats_per_bar == 4
    assert (part.notes[0].start_beats, len(part.notes)) == (0, 32)


def test_a_repeated_time_signature_does_not_cut(midi_file, played, scale):
    score = read_midi(midi_file([(0, metre(4, 4)), (16, metre(4, 4))], played(scale(32))), FACTS)
    assert len(score.parts[0].notes) == 32


def test_a_note_ends_where_the_stretch_ends(midi_file, played, scale):
    notes = [*scale(20), (19.0, 8.0, 72), (20.0, 8.0, 74)]
    score = read_midi(midi_file([(0, metre(4, 4)), (20, metre(3, 4))], played(notes)), FACTS)
    assert score.length_beats == 20


@pytest.mark.parametrize(
    ("signature", "last", "expected"),
    [
        ("C", 48, (0, "major")),
        ("C", 45, (9, "minor")),
        ("Bb", 46, (10, "major")),
        ("Bb", 43, (7, "minor")),
        ("F#m", 42, (6, "minor")),
        ("C", 47, (None, None)),
        ("Am", 48, (None, None)),
        ("", 48, (None, None)),
    ],
)
def test_the_key_is_the_one_of_the_signature_on_which_the_bass_ends(midi_file, played, signature, last, expected):
    notes = [(float(start), 1.0, 64) for start in range(16)]
    signatures = [(0, key(signature))] if signature else []
    score = read_midi(midi_file(signatures, played(notes), played([(15.0, 1.0, last)], channel=1)), FACTS)
    assert (score.tonic, score.mode) == expected


def test_drums_are_no_bass(midi_file, played, scale):
    drums = played([(start, 1.0, 36) for start in range(16)], channel=9)
    score = read_midi(midi_file([(0, key("G"))], played(scale(16, last=55)), drums), FACTS)
    assert (score.tonic, score.mode) == (7, "major")


def test_key_signatures_that_contradict_each_other_are_no_key(midi_file, played, scale):
    score = read_midi(midi_file([(0, key("C"))], [(0, key("D")), *played(scale(16, last=60))]), FACTS)
    assert score.tonic is None


def test_another_key_signature_begins_another_stretch(midi_file, played, scale):
    score = read_midi(midi_file([(0, key("C")), (12, key("Eb"))], played(scale(40, last=51))), FACTS)
    assert (len(score.parts[0].notes), score.tonic, score.mode) == (28, 3, "major")


def test_every_channel_of_a_track_is_a_part(midi_file, played, scale):
    name = mido.MetaMessage("track_name", name=" Band ")
    program = mido.Message("program_change", channel=3, program=33)
    drums = played([(start, 0.5, 38) for start in range(16)], channel=9)
    track = [(0, name), (0, program), *played(scale(16)), *played(scale(16, last=36), channel=3), *drums]
    melody, bass, drum_set = read_midi(midi_file(track, kind=0), FACTS).parts
    assert (melody.name, melody.program, melody.drums) == ("Band", None, False)
    assert (bass.program, bass.drums) == (33, False)
    assert (drum_set.program, drum_set.drums) == (None, True)


def test_notes_come_by_their_start(midi_file, played, scale):
    notes = read_midi(midi_file(played([*scale(16), (3.0, 9.0, 40), (3.0, 1.0, 30)])), FACTS).parts[0].notes
    assert all(first.start_beats <= second.start_beats for first, second in pairwise(notes))


def test_the_same_pitch_struck_twice_is_two_notes(midi_file, played, scale):
    notes = read_midi(midi_file(played([*scale(16), (2.0, 4.0, 90), (4.0, 4.0, 90)])), FACTS).parts[0].notes
    assert [round(note.start_beats) for note in notes if note.pitch == 90] == [2, 4]
    assert [round(note.duration_beats) for note in notes if note.pitch == 90] == [4, 4]


@pytest.mark.parametrize(
    "content", [b"", b"no midi", b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\x09\x00"]
)
def test_what_is_no_midi_is_refused(content):
    with pytest.raises(ScoreUnreadable, match="no MIDI file"):
        read_midi(io.BytesIO(content), FACTS)


def test_a_file_without_notes_is_refused(midi_file):
    with pytest.raises(ScoreUnreadable, match="piece has no notes"):
        read_midi(midi_file([(0, metre(4, 4))]), FACTS)


def test_a_short_piece_is_refused(midi_file, played, scale):
    with pytest.raises(ScoreUnreadable, match=r"at most 7\.\d+ beats"):
        read_midi(midi_file(played([(start, 0.9, 60) for start in range(8)])), FACTS)


def test_a_piece_that_is_mostly_silent_is_refused(midi_file, played):
    with pytest.raises(ScoreUnreadable, match="only 40% of the time"):
        read_midi(midi_file(played([(0.0, 4.0, 60), (9.0, 1.0, 60), (14.0, 1.0, 60)])), FACTS)


def test_a_file_of_many_songs_is_refused(midi_file, played, scale):
    with pytest.raises(ScoreUnreadable, match="MIDI type 2"):
        read_midi(midi_file(played(scale(16)), kind=2), FACTS)
