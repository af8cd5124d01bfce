"""Scores, treatments and a SoundFont for the tests of rendering."""

from dataclasses import replace
from pathlib import Path

import pretty_midi
import pytest

from models.rendering.recording import Recording
from models.rendering.score import Note, Part, Score
from models.rendering.treatment import Treatment

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 11)}
CLEAN = Recording(
    room=None,
    tilt_db_per_octave=0.0,
    peaks=(),
    low_cut_hz=20.0,
    high_cut_hz=None,
    drive_db=0.0,
    noise="white",
    noise_db=-120.0,
    level_db=-20.0,
    channels=1,
    extension="mp3",
    kbps=128,
    seed=0,
)
PLAIN = Treatment(
    tonic=0,
    height=0.0,
    tempo_bpm=120.0,
    ensemble="piano",
    programs=(0, 0, 0, 0),
    articulation="normal",
    velocity=80,
    with_drums=True,
    looseness_s=0.0,
    place=0.0,
    font=0.0,
    unseen_font=False,
    recording=CLEAN,
    seed=0,
)


def cadences(tonic=2, mode="major", bars=32, drums=True, **facts):
    """Cadences, a chord to a bar, as broken chords over a bass, with a drum on every beat."""

    def pitch(lowest, degree):
        return lowest + tonic + 12 * (degree // 7) + SCALES[mode][degree % 7]

    roots = [(0, 3, 4, 0, 0, 4, 0, 0)[bar % 8] for bar in range(bars)]
    tune = [
        Note(4.0 * bar + beat, 1.0, pitch(60, root + step), 70)
        for bar, root in enumerate(roots)
        for beat, step in enumerate((0, 2, 4, 2))
    ]
    bass = [Note(4.0 * bar, 4.0, pitch(36, root), 60) for bar, root in enumerate(roots)]
    parts = [Part("tune", tuple(tune)), Part("bass", tuple(bass))]
    if drums:
        parts.append(Part("drums", tuple(Note(float(b), 0.5, 38, 90) for b in range(4 * bars)), drums=True))
    known = {
        "piece": "cadences",
        "origin": "somebody",
        "collection": "tests",
        "title": "Cadences",
        "composer": "Somebody",
        "licence": "CC0",
        "genre": frozenset({"study"}),
        "era": "1800-1849",
        "beats_per_bar": 4,
    }
    return Score(**{**known, **facts}, tonic=tonic, mode=mode, parts=tuple(parts))


@pytest.fixture(scope="session")
def make_score():
    return cadences


def moved(score, semitones=0, beats=0.0):
    """A score with its notes elsewhere."""
    parts = [
        replace(part, notes=tuple(moved_note(n, semitones, beats) for n in part.notes)) for part in score.parts
    ]
    return replace(score, parts=tuple(parts))


def moved_note(note, semitones, beats):
    return replace(note, pitch=note.pitch + semitones, start_beats=note.start_beats + beats)


@pytest.fixture
def move():
    return moved


@pytest.fixture
def treat():
    """A plain treatment with some of its values replaced; those of its recording too."""

    def make(**changes):
        of_recording = (set(Recording.__slots__) - {"seed"}) & changes.keys()
        recording = {name: changes.pop(name) for name in of_recording}
        return replace(PLAIN, recording=replace(CLEAN, **recording), **changes)

    return make


@pytest.fixture(scope="session")
def font():
    """The General MIDI SoundFont in pretty_midi."""
    return Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
