"""What clusters are called: by the tags that stand out in them, else by their tempo and keys, else by a number.

A tag stands out where the z-score of its log-odds against all other clusters, with the catalogue as the prior, is
no chance (Monroe, Colaresi and Quinn 2008, "Fightin' Words", equation 22). Of those a cluster is called by the ones
that would find it best, by the harmonic mean of precision and recall: not by a tag of two tracks, and not by one
that is everywhere.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, sqrt
from statistics import median
from typing import Final

WORDS: Final = 3
"""Of a name, at most; the third only where two names would be the same."""

_USUAL: Final = 2
_PRIOR: Final = 10.0
"""Tracks that the prior counts for."""

_STANDS_OUT: Final = 1.96
_LEAST_SHARE: Final = 0.1
_LONGEST: Final = 30
_APART_BPM: Final = 10.0
_MOSTLY: Final = 0.75


@dataclass(frozen=True, slots=True)
class Described:
    """What is known of a track. ``key`` is for example "A minor"; empty where unknown."""

    tags: Sequence[str] = field(default=())
    tempo_bpm: float | None = None
    key: str = ""


def cluster_names(clusters: Sequence[int], tracks: Sequence[Described]) -> Sequence[str]:
    """Return the name of each cluster, none twice.

    Args:
        clusters: Of each track, numbers from 0.
        tracks: As many.
    """
    groups: list[list[Described]] = [[] for _ in range(max(clusters) + 1)]
    for cluster, track in zip(clusters, tracks, strict=True):
        groups[cluster].append(track)
    if len(groups) == 1:
        return ["All tracks"]
    words = [[*tags, *_measured(group, tracks)] for tags, group in zip(_tag_words(groups), groups, strict=True)]
    return list(_distinct(words))


def _distinct(words: Sequence[Sequence[str]]) -> Iterator[str]:
    """Take two words each, more where another is called so already, and a number where all are used up."""
    taken: set[str] = set()
    for place, each in enumerate(words, start=1):
        names = [" · ".join(each[:count]) for count in range(min(_USUAL, len(each)), min(WORDS, len(each)) + 1)]
        plain = names[-1] if each else f"Cluster {place}"
        name = next((name for name in (*names, plain) if name and name not in taken), f"{plain} ({place})")
        taken.add(name)
        yield name


def _tag_words(groups: Sequence[Sequence[Described]]) -> Iterator[Sequence[str]]:
    spelt: dict[str, Counter[str]] = {}
    counts: list[Counter[str]] = []
    for group in groups:
        counted: Counter[str] = Counter()
        for track in group:
            folded = {tag.casefold(): tag for tag in track.tags}
            counted.update(folded.keys())
            for name, tag in folded.items():
                spelt.setdefault(name, Counter())[tag] += 1
        counts.append(counted)
    everywhere = sum(counts, Counter[str]())
    total = sum(len(group) for group in groups)
    for group, counted in zip(groups, counts, strict=True):
        found = _standing_out(counted, len(group), everywhere, total)
        yield [_short(spelt[name].most_common(1)[0][0]) for name in found]


def _standing_out(inside: Mapping[str, int], size: int, everywhere: Mapping[str, int], total: int) -> list[str]:
    """Tags that stand out, those first that would find the cluster best."""
    finds = {
        tag: 2 * count / (size + everywhere[tag])
        for tag, count in inside.items()
        if count >= _LEAST_SHARE * size
        and _log_odds(count, size, everywhere[tag] - count, total - size, everywhere[tag] / total) >= _STANDS_OUT
    }
    return sorted(finds, key=lambda tag: (-finds[tag], tag))[:WORDS]


def _log_odds(inside: int, size: int, outside: int, others: int, share: float) -> float:
    """The z-score of how much more often tracks inside carry a tag than those outside."""
    with_tag, without_tag = _PRIOR * share, _PRIOR * (1 - share) + 1e-9
    odds_inside = log((inside + with_tag) / (size - inside + without_tag))
    odds_outside = log((outside + with_tag) / (others - outside + without_tag))
    return (odds_inside - odds_outside) / sqrt(1 / (inside + with_tag) + 1 / (outside + with_tag))


def _measured(group: Sequence[Described], tracks: Sequence[Described]) -> Iterator[str]:
    """Words for tempo and mode, where the cluster differs from the catalogue."""
    tempos = [track.tempo_bpm for track in group if track.tempo_bpm is not None]
    usual = [track.tempo_bpm for track in tracks if track.tempo_bpm is not None]
    if tempos and abs(median(tempos) - median(usual)) >= _APART_BPM:
        yield f"about {round(median(tempos), -1):.0f} bpm"
    modes, of_all = _modes(group), _modes(tracks)
    for mode, count in modes.items():
        if count >= _MOSTLY * modes.total() and of_all[mode] < _MOSTLY * of_all.total():
            yield f"mostly {mode}"


def _modes(tracks: Sequence[Described]) -> Counter[str]:
    return Counter(track.key.split()[-1] for track in tracks if track.key)


def _short(tag: str) -> str:
    return tag if len(tag) <= _LONGEST else f"{tag[: _LONGEST - 1]}…"
