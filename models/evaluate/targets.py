"""Labels of a dataset as arrays, and the sides of its split."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.datasets.track import SPLITS, TAG_DIMENSIONS, Dataset, LabelledTrack
from models.errors import EvaluationImpossible
from models.metrics.bootstrap import Resampling
from models.metrics.classification import draw_weights

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]

UNKNOWN = -1
"""Class of a track of which the class is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Numbers of the tracks on each side of a split, rising; tracks on no side are in none."""

    train: Indices
    validation: Indices
    test: Indices

    @property
    def fitting(self) -> Indices:
        """Train and validation: what a probe may see in the end."""
        return np.concatenate([self.train, self.validation])

    @property
    def complete(self) -> bool:
        """Whether no side is empty."""
        return all(len(side) for side in (self.train, self.validation, self.test))

    def among(self, known: Bools) -> "Sides":
        """Without the tracks whose label is not known.

        Args:
            known: (N,).
        """
        return Sides(*(side[known[side]] for side in (self.train, self.validation, self.test)))


@dataclass(frozen=True, slots=True, eq=False)
class TagTarget:
    """Tags of one dimension, each of which a track has or has not.

    Attributes:
        dimension: Of TAG_DIMENSIONS.
        tags: Sorted.
        positive: (N, tags) which track has which tag.
        known: (N,) tracks with at least one tag of the dimension, kept or not. In the others the dimension is
            unknown, and they take part in nothing; in these, a tag that is not named is taken not to apply.
    """

    dimension: str
    tags: tuple[str, ...]
    positive: Bools
    known: Bools


@dataclass(frozen=True, slots=True, eq=False)
class ClassTarget:
    """Classes of which a track has one.

    Attributes:
        name: Of what is told apart, such as ``genre`` or ``key mode``.
        classes: Sorted.
        labels: (N,) numbers of classes; UNKNOWN where the class is not known or too rare.
    """

    name: str
    classes: tuple[str, ...]
    labels: Indices

    @property
    def known(self) -> Bools:
        """(N,) tracks that have a class."""
        known: Bools = self.labels != UNKNOWN
        return known


def dataset_sides(dataset: Dataset) -> Sides:
    """The split that the dataset has.

    Raises:
        EvaluationImpossible: A side has no tracks.
    """
    split = np.array([track.split for track in dataset.tracks])
    counts = {side: int((split == side).sum()) for side in SPLITS}
    if not all(counts.values()):
        found = ", ".join(f"{side} {count}" for side, count in counts.items())
        raise EvaluationImpossible(
            f"Probes need tracks on all three sides of a split; {dataset.name} has {found}, without a side "
            f"{int((split == '').sum())}. Split it by origin first (models.datasets.collection.split_by_origin)."
        )
    return Sides(*(np.flatnonzero(split == side) for side in SPLITS))


def side_weights(dataset: Dataset, sides: Sides, resampling: Resampling, *, group_by_origin: bool) -> Doubles:
    """(1 + draws, test tracks) ``row_weights`` of the test side, so that all questions resample it alike."""
    return row_weights(dataset, sides.test, resampling, group_by_origin=group_by_origin)


def row_weights(dataset: Dataset, rows: Indices, resampling: Resampling, *, group_by_origin: bool) -> Doubles:
    """(1 + draws, rows) how often each of some tracks is in all of them, which come first, and in each draw.

    Args:
        dataset: Where the tracks are.
        rows: Their numbers.
        resampling: Draws of tracks.
        group_by_origin: Draw or leave all tracks of an origin as one.
    """
    origins = np.array([dataset.tracks[row].origin for row in rows])
    return draw_weights(resampling.draws(len(rows), origins if group_by_origin else None), len(rows))


def split_note(dataset: Dataset, sides: Sides) -> str:
    """Whether tracks of an origin stand on both sides, so that who knows albums passes."""
    fitted = {dataset.tracks[row].origin for row in sides.fitting}
    shared = sum(dataset.tracks[row].origin in fitted for row in sides.test)
    if not shared:
        return "No test track shares its origin (album, composer, groove) with a track that probes were fitted on."
    return (
        f"{shared} of {len(sides.test)} test tracks share their origin (album, composer, groove) with tracks that "
        "probes were fitted on: a probe that knows the sound of an album passes for one that knows its genre. "
        "These figures are too high; split by origin."
    )


def interval_note(*, group_by_origin: bool) -> str:
    """What resampling one or the other way says, of fitted probes."""
    how = "Intervals (95 %) come from resampling test tracks under probes as they were fitted"
    if group_by_origin:
        return f"{how}, whole origins (albums, composers) at a time: they speak for music of further origins."
    return f"{how}. They speak for further tracks of the same origins and are too narrow for music from elsewhere."


def fault_note(unconverged: int) -> tuple[str, ...]:
    """A note on fits that did not converge, where there were any."""
    return (f"{unconverged} fits did not converge.",) if unconverged else ()


def tag_target(dataset: Dataset, dimension: str, sides: Sides, least: int) -> TagTarget | None:
    """The tags of a dimension that can be learnt and tested; ``None`` where there are none.

    Args:
        dataset: N tracks.
        dimension: Of TAG_DIMENSIONS.
        sides: Its split.
        least: Positives that a tag needs on the training and on the test side. It also needs a negative on each.
    """
    named = [track.tags.get(dimension, frozenset()) for track in dataset.tracks]
    known = np.array([bool(tags) for tags in named])
    tags = np.array(sorted(frozenset().union(*named)))
    positive = np.array([[tag in given for tag in tags] for given in named], np.bool_).reshape(len(named), -1)
    usable = np.ones(len(tags), np.bool_)
    for side in (sides.among(known).train, sides.among(known).test):
        count = positive[side].sum(0)
        usable &= (count >= least) & (count < len(side))
    if not usable.any():
        return None
    return TagTarget(dimension, tuple(map(str, tags[usable])), positive[:, usable], known)


def class_target(
    name: str, values: Sequence[str | None], sides: Sequence[Indices], least: int
) -> ClassTarget | None:
    """Classes with enough tracks; ``None`` where fewer than two are left.

    Args:
        name: Of what is told apart.
        values: (N,) class of each track, ``None`` where it is not known.
        sides: Sets of tracks in each of which a class needs ``least``.
        least: Tracks.
    """
    counts = [Counter(values[row] for row in side) for side in sides]
    classes = tuple(sorted({value for value in values if value and all(count[value] >= least for count in counts)}))
    if len(classes) < 2:  # noqa: PLR2004 - one class is nothing to tell apart
        return None
    number = {value: place for place, value in enumerate(classes)}
    return ClassTarget(name, classes, np.array([number.get(value or "", UNKNOWN) for value in values], np.intp))


def class_values(dataset: Dataset) -> dict[str, list[str | None]]:
    """(N,) values of everything of which a track has one: the four tag dimensions, key, its tonic and its mode.

    A track has a class of a tag dimension when it has exactly one of its tags. Of several none is taken: to name
    another of two true tags is no error, and to ask for the commonest would make common classes commoner.
    """
    named: dict[str, Callable[[LabelledTrack], str | None]] = {
        "key": lambda track: track.key,
        "key tonic": lambda track: track.key and track.key.split()[0],
        "key mode": lambda track: track.key and track.key.split()[1],
    }
    values = {dimension: [_only_tag(track, dimension) for track in dataset.tracks] for dimension in TAG_DIMENSIONS}
    return values | {name: [value(track) for track in dataset.tracks] for name, value in named.items()}


def log_tempo(dataset: Dataset) -> Doubles:
    """(N,) octaves of tempo over one beat per minute, NaN where it is not known."""
    return np.log2([track.tempo_bpm or np.nan for track in dataset.tracks])


def tempo_class(octaves: Doubles) -> Doubles:
    """(N,) log2 tempo → (N, 2) place on a circle where tempo and double tempo are one point, as cosine and sine."""
    angle = 2 * np.pi * octaves
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _only_tag(track: LabelledTrack, dimension: str) -> str | None:
    tags = track.tags.get(dimension, frozenset())
    return next(iter(tags)) if len(tags) == 1 else None
