"""What a dataset holds, in figures."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tinytag import TinyTag
from tinytag.tinytag import TinyTagException

from models.datasets.track import SPLITS, TAG_DIMENSIONS, Dataset, LabelledTrack


@dataclass(frozen=True, slots=True)
class Labels:
    """One dimension, or the free tags.

    Attributes:
        tracks: That have at least one.
        counts: Tracks by label, the most frequent first.
    """

    tracks: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Statistics:
    """A dataset in figures.

    Attributes:
        name: Of the dataset.
        tracks: That can be used.
        left_out: Entries that were listed and cannot.
        hours: Of the tracks whose duration is known.
        timed: How many those are.
        splits: Tracks by split; those without one under the empty name.
        origins: Different ones: what splits keep together.
        artists: Different ones that are named.
        albums: Likewise.
        duplicates: Tracks that have a near duplicate.
        licences: Tracks by licence, where it is named.
        labels: By dimension, then ``tags``.
    """

    name: str
    tracks: int
    left_out: int
    hours: float
    timed: int
    splits: Mapping[str, int]
    origins: int
    artists: int
    albums: int
    duplicates: int
    licences: Mapping[str, int]
    labels: Mapping[str, Labels]


def describe(dataset: Dataset) -> Statistics:
    """Count. Durations come from the attribute ``duration_s``, else from the files' headers."""
    tracks = dataset.tracks
    durations_s = [duration for track in tracks if (duration := duration_s(track)) is not None]
    splits = Counter(track.split for track in tracks)
    return Statistics(
        name=dataset.name,
        tracks=len(tracks),
        left_out=len(dataset.left_out),
        hours=sum(durations_s) / 3_600,
        timed=len(durations_s),
        splits={split: splits[split] for split in (*SPLITS, "") if splits[split]},
        origins=len({track.origin for track in tracks}),
        artists=len({track.artist for track in tracks} - {""}),
        albums=len({track.album for track in tracks} - {""}),
        duplicates=sum(bool(track.duplicates) for track in tracks),
        licences=_counts((track.licence,) for track in tracks).counts,
        labels={
            **{name: _counts(track.tags.get(name, ()) for track in tracks) for name in TAG_DIMENSIONS},
            "tempo": _counts((_tempo_range(track.tempo_bpm),) for track in tracks),
            "key": _counts((track.key or "",) for track in tracks),
            "tags": _counts(track.free_tags for track in tracks),
        },
    )


def duration_s(track: LabelledTrack) -> float | None:
    """Seconds, as listed or as the file's header says; ``None`` where neither does."""
    try:
        return float(track.attributes["duration_s"])
    except (KeyError, ValueError):
        pass
    try:
        return TinyTag.get(track.path, tags=False).duration
    except (TinyTagException, OSError):
        return None


def _counts(labels: Iterable[Iterable[str]]) -> Labels:
    named = [[label for label in found if label] for found in labels]
    counts = Counter(label for found in named for label in found)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Labels(sum(bool(found) for found in named), dict(ranked))


def _tempo_range(tempo_bpm: float | None) -> str:
    """Such as ``120–139 BPM``."""
    if tempo_bpm is None:
        return ""
    low = 20 * int(tempo_bpm // 20)
    return f"{low}–{low + 19} BPM"
