"""How far one categorical property of tracks gives away another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log2, sqrt

import numpy as np
from numpy.typing import NDArray

from models.datasets.track import TAG_DIMENSIONS, Dataset, LabelledTrack

Codes = NDArray[np.intp]

ATTRIBUTES = ("ensemble", "lead", "soundfont", "articulation", "register")
"""What rendering draws for each track, where a manifest has it."""

FIELDS = ("artist", "album", "licence", "source", "origin", "split")

PERMUTATIONS = 200
TEMPO_BINS = 6
"""Per octave, so that a tempo and its double are one."""

LOWEST_TEMPO_BPM = 60.0
MIN_TRACKS = 2


@dataclass(frozen=True, slots=True)
class Association:
    """Two properties over the tracks that have both.

    Attributes:
        one: Name of a property.
        other: Name of another.
        tracks: That have both.
        strength: Bias-corrected Cramér's V, 0 (independent) to 1 (one gives away the other).
        chance: Mean of it over random permutations.
        chance_high: 95th percentile of it: what a strength must exceed to be more than chance.
    """

    one: str
    other: str
    tracks: int
    strength: float
    chance: float
    chance_high: float


def associations(
    dataset: Dataset, seed: int, attributes: Sequence[str] = ATTRIBUTES, permutations: int = PERMUTATIONS
) -> list[Association]:
    """Every pair of properties that both vary, strongest first.

    Properties are the tag dimensions (a track's set of tags is one value), tempo in TEMPO_BINS to the octave, tonic
    and mode of the key, and attributes.

    Args:
        dataset: Its labels are looked at, no audio.
        seed: Of the permutations.
        attributes: Those of FIELDS and of the manifest's further columns that count; one that no track has is
            passed over.
        permutations: How many.
    """
    generator = np.random.default_rng(seed)
    values = {name: found for name, found in _properties(dataset, attributes).items() if len(set(found) - {""}) > 1}
    found = []
    for one, other in combinations(values, 2):
        both = [pair for pair in zip(values[one], values[other], strict=True) if all(pair)]
        rows, columns = (np.unique([pair[side] for pair in both], return_inverse=True)[1] for side in (0, 1))
        if len(both) >= MIN_TRACKS and rows.any() and columns.any():
            strength = cramers_v(rows, columns)
            drawn = [cramers_v(rows, generator.permutation(columns)) for _ in range(permutations)]
            chance_high = float(np.percentile(drawn, 95))
            found.append(Association(one, other, len(both), strength, float(np.mean(drawn)), chance_high))
    return sorted(found, key=lambda pair: -pair.strength)


def cramers_v(rows: Codes, columns: Codes) -> float:
    """Bias-corrected Cramér's V, 0 to 1 (Bergsma 2013); 0 where a side has one value.

    Args:
        rows: (N,) number of the value of one property, from 0 without gaps.
        columns: (N,) of the other.
    """
    count = len(rows)
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    observed = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape)
    expected = np.outer(observed.sum(1), observed.sum(0)) / count
    squared = float(((observed - expected) ** 2 / expected).sum()) / count
    freedom = (shape[0] - 1) * (shape[1] - 1)
    corrected = max(0.0, squared - freedom / (count - 1))
    sides = [size - (size - 1) ** 2 / (count - 1) for size in shape]
    span = min(sides) - 1
    return min(1.0, sqrt(corrected / span)) if span > 0 else 0.0


def _properties(dataset: Dataset, attributes: Sequence[str]) -> Mapping[str, list[str]]:
    """Values by property, one per track; empty where a track has none."""
    values = {
        dimension: [" + ".join(sorted(track.tags.get(dimension, ()))) for track in dataset.tracks]
        for dimension in TAG_DIMENSIONS
    }
    values["tempo"] = [tempo_bin(track) for track in dataset.tracks]
    for place, part in enumerate(("tonic", "mode")):
        values[part] = [track.key.split()[place] if track.key else "" for track in dataset.tracks]
    for name in attributes:
        values[name] = [_value(track, name) for track in dataset.tracks]
    return values


def _value(track: LabelledTrack, name: str) -> str:
    return str(getattr(track, name)) if name in FIELDS else track.attributes.get(name, "")


def tempo_bin(track: LabelledTrack) -> str:
    """Where in its octave a tempo lies, from ``0``; empty without a tempo."""
    if track.tempo_bpm is None:
        return ""
    return str(int(TEMPO_BINS * (log2(track.tempo_bpm / LOWEST_TEMPO_BPM) % 1)))
