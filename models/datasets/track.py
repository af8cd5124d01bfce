"""A collection of tracks with what is known of each: the input of training and of evaluation.

Six musical dimensions are labelled (papers 001 and 003). Genre, mood, instrument and era are sets of tags, tempo is
a number and key one of 24. What is not known is empty, never guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TAG_DIMENSIONS = ("genre", "mood", "instrument", "era")
DIMENSIONS = (*TAG_DIMENSIONS, "tempo", "key")
SPLITS = ("train", "validation", "test")
MIN_TEMPO_BPM = 20.0
MAX_TEMPO_BPM = 400.0


@dataclass(frozen=True, slots=True)
class LabelledTrack:
    """One track and its labels.

    Attributes:
        id: Unique in its dataset: the path as the manifest gives it.
        path: Where the audio lies.
        source: What must not stand on two sides of a split (an album, a composer, a groove); empty: its album or,
            without one, its artist.
        split: One of SPLITS, or empty.
        duplicates: Ids of near duplicates (other takes, stems, the same tune elsewhere).
        tags: By dimension of TAG_DIMENSIONS; a dimension without tags is left out. ``()`` never stands for "none
            apply": unknown and none are the same.
        free_tags: Tags that belong to no dimension.
        tempo_bpm: Beats per minute, MIN_TEMPO_BPM to MAX_TEMPO_BPM.
        key: Such as ``A minor`` or ``F# major`` (sharps only, see ``models.analysis.PITCH_NAMES``).
        attributes: Every further column of the manifest, by its name.
    """

    id: str
    path: Path
    title: str = ""
    artist: str = ""
    album: str = ""
    licence: str = ""
    source: str = ""
    split: str = ""
    duplicates: frozenset[str] = frozenset()
    tags: Mapping[str, frozenset[str]] = field(default_factory=dict)
    free_tags: frozenset[str] = frozenset()
    tempo_bpm: float | None = None
    key: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """What must not stand on two sides of a split, never empty."""
        return self.source or self.album or self.artist or self.id


@dataclass(frozen=True, slots=True)
class Dataset:
    """Tracks in a fixed order; ids are unique.

    Attributes:
        left_out: What was listed and is not among the tracks because its file cannot be used, each with the reason.
    """

    name: str
    tracks: tuple[LabelledTrack, ...]
    left_out: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.tracks)
