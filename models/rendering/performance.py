"""Play a score: the notes of an excerpt with their times, instruments and strengths, as a treatment has them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from models.rendering.ensemble import HIGHEST_PITCH, LOWEST_PITCH, playable, program_for
from models.rendering.score import Note, Part, Score
from models.rendering.treatment import TONICS, Articulation, Treatment

FOLDED_SHARE = 0.02
"""A piece comes nearer to its own height when more notes than this would leave the range in which all is played."""

HOLD = {"staccato": 0.45, "normal": 0.92, "legato": 1.08}
MIN_NOTE_S = 0.05
MAX_STACCATO_S = 0.25
MIN_VELOCITY = 15
VELOCITY_NOISE = 3.0
ONSET_GRID_S = 0.03
PREROLL_S = 2.0
"""Music before the excerpt, so that it begins with the tails of what came before."""


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """One note of a performance.

    Attributes:
        start_s: From the beginning of the excerpt; down to −PREROLL_S.
        duration_s: Above 0.
        pitch: MIDI.
        velocity: 1 to 127.
        program: General MIDI program that sounds it; ``None`` for the drum kit.
    """

    start_s: float
    duration_s: float
    pitch: int
    velocity: int
    program: int | None


@dataclass(frozen=True, slots=True)
class Performance:
    """What is played.

    Attributes:
        notes: By their start, never empty.
        duration_s: Of the excerpt.
        mean_pitch: Of the notes that are no drums, by their durations; MIDI.
        has_drums: Whether a drum part sounds.
    """

    notes: tuple[PlayedNote, ...]
    duration_s: float
    mean_pitch: float
    has_drums: bool

    @property
    def own_notes(self) -> tuple[PlayedNote, ...]:
        """Those that start within the excerpt."""
        return tuple(note for note in self.notes if note.start_s >= 0)

    @property
    def onsets_per_s(self) -> float:
        """How often something begins to sound; notes within ONSET_GRID_S of each other count once."""
        return len({round(note.start_s / ONSET_GRID_S) for note in self.own_notes}) / self.duration_s


def perform(score: Score, treatment: Treatment, duration_s: float) -> Performance | None:
    """Play an excerpt of a score.

    Every beat lasts 60 / ``treatment.tempo_bpm`` seconds. The excerpt begins with the first note that starts at the
    drawn bar or later; a piece that is too short is repeated in whole bars.

    Returns:
        ``None`` where there is nothing to play.
    """
    parts = tuple(transposed(score, treatment)) + tuple(_drum_parts(score, treatment))
    if all(part.drums for part in parts):
        return None
    first_beat = _first_onset(parts, score, treatment, duration_s)
    scene = _Scene(score, treatment, duration_s, first_beat, treatment.velocity - _mean_velocity(parts))
    played = [note for number, part in enumerate(parts) for note in _played(number, part, scene)]
    notes = sorted(played, key=lambda note: note.start_s)
    pitched = [note for note in notes if note.program is not None and note.start_s >= 0]
    if not pitched:
        return None
    mean_pitch = np.average([note.pitch for note in pitched], weights=[note.duration_s for note in pitched])
    has_drums = any(note.program is None for note in notes)
    return Performance(tuple(notes), duration_s, float(mean_pitch), has_drums)


def transposed(score: Score, treatment: Treatment) -> Iterator[Part]:
    """The parts that are no drums, in the drawn key; a score without a key is moved as if it stood in C."""
    pitches = np.array([note.pitch for part in score.parts if not part.drums for note in part.notes])
    shift = playable_shift(pitches, semitones(score.tonic or 0, treatment.tonic, treatment.height))
    for part in score.parts:
        if not part.drums:
            yield replace(part, notes=tuple(replace(n, pitch=n.pitch + shift) for n in part.notes))


def semitones(tonic: int, target: int, height: float) -> int:
    """The way from one pitch class to another that is nearest to a height."""
    way = target - tonic
    return way + TONICS * round((height - way) / TONICS)


def playable_shift(pitches: NDArray[np.int_], shift: int) -> int:
    """A shift, or one fewer octaves from 0 so that pitches stay in the range that is played."""
    while abs(shift) > TONICS // 2 and _outside(pitches + shift) > FOLDED_SHARE:
        shift -= int(np.sign(shift)) * TONICS
    return shift


def held_s(duration_s: float, articulation: Articulation) -> float:
    """How long a note sounds that is written with a duration."""
    held = HOLD[articulation] * duration_s
    return max(MIN_NOTE_S, min(held, MAX_STACCATO_S) if articulation == "staccato" else held)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What playing a part needs to know: the excerpt's place in the score, and how it is played."""

    score: Score
    treatment: Treatment
    duration_s: float
    first_beat: float
    louder: float

    @property
    def beat_s(self) -> float:
        return 60 / self.treatment.tempo_bpm

    @property
    def window(self) -> tuple[float, float]:
        """Beats from the music before the excerpt to its end."""
        first = max(0.0, self.first_beat - PREROLL_S / self.beat_s)
        return first, self.first_beat + self.duration_s / self.beat_s


def _outside(pitches: NDArray[np.int_]) -> float:
    """Share of pitches that nobody plays."""
    return float(((pitches < LOWEST_PITCH) | (pitches > HIGHEST_PITCH)).mean()) if len(pitches) else 0.0


def _drum_parts(score: Score, treatment: Treatment) -> Iterator[Part]:
    return (part for part in score.parts if part.drums and treatment.with_drums)


def _first_onset(parts: Sequence[Part], score: Score, treatment: Treatment, duration_s: float) -> float:
    """The beat of the first note in the drawn bar or after it."""
    needed = ceil(duration_s * treatment.tempo_bpm / 60 / score.beats_per_bar)
    places = max(0, bars(score) - needed) + 1
    bar = int(treatment.place * places)
    onsets = np.array([note.start_beats for part in parts for note in part.notes])
    later = onsets[onsets >= bar * score.beats_per_bar - 1e-6]
    return float(later.min() if len(later) else onsets.min())


def bars(score: Score) -> int:
    """Bars, the last one whole."""
    return max(1, ceil(score.length_beats / score.beats_per_bar - 1e-6))


def _mean_velocity(parts: Iterable[Part]) -> float:
    return float(np.mean([note.velocity for part in parts if not part.drums for note in part.notes]))


def _played(number: int, part: Part, scene: _Scene) -> Iterator[PlayedNote]:
    """The notes of a part that fall into the excerpt, with the deviations of this player."""
    treatment = scene.treatment
    generator = np.random.default_rng([treatment.seed, number])
    program = _program(part, treatment)
    for start_beats, note in _repeated(part.notes, scene):
        late_s, louder = generator.normal(0, (treatment.looseness_s, VELOCITY_NOISE))
        start_s = (start_beats - scene.first_beat) * scene.beat_s + late_s
        length_s = note.duration_beats * scene.beat_s
        yield PlayedNote(
            start_s=float(np.clip(start_s, 0 if start_beats >= scene.first_beat else -PREROLL_S, None)),
            duration_s=length_s if part.drums else held_s(length_s, treatment.articulation),
            pitch=note.pitch if program is None else playable(program, note.pitch),
            velocity=int(np.clip(note.velocity + scene.louder + louder, MIN_VELOCITY, 127)),
            program=program,
        )


def _program(part: Part, treatment: Treatment) -> int | None:
    if part.drums:
        return None
    weights = [note.duration_beats for note in part.notes]
    pitch = np.average([note.pitch for note in part.notes], weights=weights)
    return program_for(treatment.programs, float(pitch))


def _repeated(notes: Iterable[Note], scene: _Scene) -> Iterator[tuple[float, Note]]:
    """Notes in the excerpt's window with the beats at which they start, the piece repeated as often as it takes."""
    first, end = scene.window
    period = bars(scene.score) * scene.score.beats_per_bar
    for turn in range(int(first // period), ceil(end / period)):
        for note in notes:
            start_beats = note.start_beats + turn * period
            if first <= start_beats < end:
                yield start_beats, note
