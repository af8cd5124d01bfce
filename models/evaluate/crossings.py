"""What stands on two sides of a split, so that a system that learnt from one side has seen the other."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from models.datasets.track import Dataset, LabelledTrack
from models.evaluate.embedded import Doubles, Embedded, Indices
from models.evaluate.measurements import digest_of
from models.evaluate.relevance import families
from models.evaluate.similarities import blocks, similarity

KINDS = ("artist", "origin", "near duplicates", "identical files")
FENCE = 3.0


@dataclass(frozen=True, slots=True)
class Crossing:
    """One thing on two sides or more.

    Attributes:
        kind: What it is, such as ``artist``.
        name: Its name, or the ids of its tracks.
        splits: Where it stands, and how many of its tracks.
    """

    kind: str
    name: str
    splits: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Twins:
    """Two tracks of two splits that sound alike beyond what is usual, though no label says so."""

    one: LabelledTrack
    other: LabelledTrack
    distance: float


def crossings(dataset: Dataset) -> tuple[Crossing, ...]:
    """Artists, origins, near duplicates and files of the same bytes in more than one split."""
    family = dict(zip((track.id for track in dataset.tracks), families(dataset.tracks).tolist(), strict=True))
    keys: tuple[Callable[[LabelledTrack], object], ...] = (
        lambda track: track.artist,
        lambda track: track.origin,
        lambda track: family[track.id],
        lambda track: digest_of(track.path),
    )
    return tuple(
        found for kind, key in zip(KINDS, keys, strict=True) for found in _crossing(kind, dataset.tracks, key)
    )


def twin_reach(system: Embedded, dataset: Dataset) -> float:
    """How near two tracks of different splits must be to pass for twins, as a distance (see ``distances``).

    Tukey's outer fence (1977) of the distances from each track to its nearest in another split: three quartile
    ranges below the lower quartile, which is far out whatever the system and the music. At least 0, which nothing
    reaches but what is equal.
    """
    nearest = [row.min(1) for _, row in _across_splits(system, dataset)]
    finite = np.concatenate(nearest) if nearest else np.empty(0)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return 0.0
    low, high = np.quantile(finite, [0.25, 0.75])
    return max(0.0, float(low - FENCE * (high - low)))


def twins(system: Embedded, dataset: Dataset, reach: float) -> tuple[Twins, ...]:
    """Pairs of tracks of two splits within a distance, nearest first; labelled near duplicates are left out."""
    pairs: list[tuple[float, int, int]] = []
    for rows, apart in _across_splits(system, dataset):
        row, other = np.nonzero(apart <= reach)
        pairs += zip(apart[row, other].tolist(), rows[row].tolist(), other.tolist(), strict=True)
    return tuple(
        Twins(dataset.tracks[one], dataset.tracks[other], distance)
        for distance, one, other in sorted(pairs)
        if one < other
    )


def distances(system: Embedded, rows: Indices) -> Doubles:
    """(B, N) distances of some tracks to all: the angle in radians under cosine, so that they do not crowd at 1."""
    similar = similarity(system, rows).astype(np.float64)
    found: Doubles = -similar if system.metric == "euclidean" else np.arccos(similar.clip(-1, 1))
    return found


def _across_splits(system: Embedded, dataset: Dataset) -> Iterator[tuple[Indices, Doubles]]:
    """Some tracks and their (B, N) distances; infinite within a split, a family, and without a split."""
    splits = np.array([track.split for track in dataset.tracks])
    family = families(dataset.tracks)
    for rows in blocks(np.flatnonzero(splits != "")):
        apart = (splits[rows, None] != splits) & (splits != "") & (family[rows, None] != family)
        yield rows, np.where(apart, distances(system, rows), np.inf)


def _crossing(
    kind: str, tracks: Iterable[LabelledTrack], key: Callable[[LabelledTrack], object]
) -> Iterator[Crossing]:
    members: dict[object, list[LabelledTrack]] = defaultdict(list)
    for track in tracks:
        if track.split and (group := key(track)) != "":
            members[group].append(track)
    for group, found in members.items():
        splits = Counter(track.split for track in found)
        if len(splits) > 1:
            named = kind in {"artist", "origin"}
            name = str(group) if named else ", ".join(track.id for track in found)
            yield Crossing(kind, name, dict(sorted(splits.items())))
