"""A piece of music as notes, apart from any tempo, instrument or key that it will be rendered in."""

from dataclasses import dataclass
from typing import Literal

Mode = Literal["major", "minor"]


@dataclass(frozen=True, slots=True)
class Note:
    """One note.

    Attributes:
        start_beats: From the beginning of the piece.
        duration_beats: Above 0.
        pitch: MIDI, 0 to 127, 60 is middle C; in a drum part the General MIDI percussion key.
        velocity: 1 to 127.
    """

    start_beats: float
    duration_beats: float
    pitch: int
    velocity: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one player plays, notes by their start.

    Attributes:
        name: As the score calls it.
        notes: Never empty.
        program: General MIDI program that the source asked for, 0 to 127; ``None`` where it names none.
        drums: Whether pitches are percussion keys, which are never transposed.
    """

    name: str
    notes: tuple[Note, ...]
    program: int | None = None
    drums: bool = False


@dataclass(frozen=True, slots=True)
class Score:
    """A piece, or an accompaniment that was generated.

    A beat is the one that is felt: the dotted quarter of 6/8, 9/8 and 12/8, the half of 2/2, else the denominator
    of the metre. A score whose metre changes is cut to its longest stretch of one metre.

    Attributes:
        piece: Unique among the scores of a corpus: renderings of one piece share it.
        origin: What must not stand on two sides of a split: the composer, or groove file and chord progression.
        collection: Where it comes from, such as ``mutopia`` or ``mma``.
        licence: Of the notes.
        genre: Tags; empty where unknown.
        era: Half-century of composition, such as ``1750-1799``; empty where unknown.
        beats_per_bar: Felt beats.
        tonic: Pitch class, 0 for C; ``None`` where the key is not known.
        mode: ``None`` where the key is not known.
        parts: At least one.
    """

    piece: str
    origin: str
    collection: str
    title: str
    composer: str
    licence: str
    genre: frozenset[str]
    era: str
    beats_per_bar: int
    tonic: int | None
    mode: Mode | None
    parts: tuple[Part, ...]

    @property
    def length_beats(self) -> float:
        """Until the last note ends."""
        return max(note.start_beats + note.duration_beats for part in self.parts for note in part.notes)
