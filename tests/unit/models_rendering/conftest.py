"""Scores, treatments and a SoundFont for the tests of rendering."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from models.rendering.recording import Recording
from models.rendering.score import Note, Part, Score
from models.rendering.treatment import Treatment

INSTRUMENT, RELEASE, SAMPLE, LOOPS = 41, 38, 53, 54
"""Generators of a SoundFont that the tests use."""

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


def chunk(name, *contents):
    """A RIFF chunk, a list of chunks if its name says which."""
    data = b"".join(contents)
    tag, _, kind = name.partition(" ")
    data = kind.encode() + data
    return struct.pack("<4sI", tag.encode(), len(data)) + data + b"\0" * (len(data) % 2)


def presets(instruments):
    """The chunks of presets: all 128 programs play instrument 0, the drum kit instrument 1."""
    numbered = [(program, 0, 0) for program in range(128)] + [(0, 128, 1)]
    heads = [
        struct.pack("<20s3H3I", b"preset", program, bank, index, 0, 0, 0)
        for index, (program, bank, _) in enumerate(numbered)
    ]
    end = len(numbered)
    return (
        chunk("phdr", *heads, struct.pack("<20s3H3I", b"EOP", 0, 0, end, 0, 0, 0)),
        chunk("pbag", *(struct.pack("<2H", index, 0) for index in range(end + 1))),
        chunk("pmod", bytes(10)),
        chunk("pgen", *(struct.pack("<2H", INSTRUMENT, plays) for *_, plays in numbered), bytes(4)),
        chunk("inst", *(struct.pack("<20sH", b"sound", index) for index in range(instruments + 1))),
        chunk("ibag", *(struct.pack("<2H", 3 * index, 0) for index in range(instruments + 1))),
        chunk("imod", bytes(10)),
    )


def small_font():
    """A SoundFont (2.01) with a tone of six partials for all programs, and noise for drums."""
    rate, period = 44_000, 100
    phase = 2 * np.pi * np.arange(20 * period) / period
    tone = sum(np.sin(k * phase) / k**2 for k in range(1, 7))
    noise = np.random.default_rng(0).normal(0, 0.3, 4_000) * np.exp(-np.arange(4_000) / 1_000)
    gap = np.zeros(46)  # between samples, as the format asks
    samples = np.concatenate([tone / 2, gap, noise.clip(-1, 1), gap])
    ends = [(0, len(tone)), (len(tone) + 46, len(tone) + 46 + len(noise))]
    heads = [
        struct.pack(
            "<20s5I2B2H", b"sample", start, end, start + 8 * period, start + 16 * period, rate, pitch, 0, 0, 1
        )
        for (start, end), pitch in zip(ends, (69, 38), strict=True)
    ]
    generators = [
        struct.pack("<HhHhHh", RELEASE, -3600, LOOPS, loops, SAMPLE, index) for index, loops in enumerate((1, 0))
    ]
    return chunk(
        "RIFF sfbk",
        chunk("LIST INFO", chunk("ifil", struct.pack("<2H", 2, 1)), chunk("INAM", b"small\0")),
        chunk("LIST sdta", chunk("smpl", (32_000 * samples).astype("<i2").tobytes())),
        chunk(
            "LIST pdta",
            *presets(len(generators)),
            chunk("igen", *generators, bytes(4)),
            chunk("shdr", *heads, struct.pack("<20s5I2B2H", b"EOS", *[0] * 9)),
        ),
    )


@pytest.fixture(scope="session")
def font(tmp_path_factory):
    """A General MIDI SoundFont."""
    path = tmp_path_factory.mktemp("fonts") / "small.sf2"
    path.write_bytes(small_font())
    return path
