"""Tags that look like another, much more frequent tag misspelt."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from models.datasets.spelling import fold, is_near
from models.datasets.track import TAG_DIMENSIONS, LabelledTrack

MAX_OCCURRENCES = 3
MIN_RATIO = 5
LONG_TAG = 10
"""Letters from which on two slips are believed: words of music are many, and some are alike."""

_WORDS = frozenset(
    (
        *("bass", "brass", "bop", "pop", "hop", "hip", "dub", "club", "duo", "trio", "dance", "trance"),
        *("electro", "electronic", "electronica", "techno", "female", "male", "flute", "lute", "funk", "punk"),
        *("house", "jig", "gig", "lead", "metal", "rap", "trap", "reed", "reel", "harp", "horn"),
        *("sad", "glad", "dense", "tense", "intense", "slow", "fast", "viol", "viola", "violin", "vocal", "vocals"),
    )
)
"""Words that are a slip away from another one and yet mean themselves."""


Tag = tuple[str, str]
"""Column and tag."""


def label_typos(tracks: Iterable[LabelledTrack]) -> dict[Tag, str]:
    """Likely typos and what was likely meant.

    A spelling that differs from a more frequent tag of its column only by case, blanks or hyphens is one. So is a
    tag that occurs at most MAX_OCCURRENCES times, is a slip away from another that occurs MIN_RATIO times as often
    or more, and has the same digits (``1980s`` is not ``1990s``).
    """
    counted = _counts(tracks)
    slips = {(column, tag): meant for column, counts in counted.items() for tag, meant in _slips(counts)}
    return {**slips, **_variants(counted)}


def unify_spelling(tracks: Iterable[LabelledTrack]) -> list[LabelledTrack]:
    """Give tags that differ only by case, blanks or hyphens the spelling most frequent in their dimension."""
    listed = list(tracks)
    meant = _variants(_counts(listed))
    return [
        replace(track, tags={name: _spelt(name, tags, meant) for name, tags in track.tags.items()})
        for track in listed
    ]


def tags_of(track: LabelledTrack) -> Iterator[Tag]:
    """Every tag of a track, with its column."""
    for dimension in TAG_DIMENSIONS:
        yield from ((dimension, tag) for tag in sorted(track.tags.get(dimension, ())))
    yield from (("tags", tag) for tag in sorted(track.free_tags))


def _spelt(column: str, tags: Iterable[str], meant: Mapping[Tag, str]) -> frozenset[str]:
    return frozenset(meant.get((column, tag), tag) for tag in tags)


def _counts(tracks: Iterable[LabelledTrack]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for track in tracks:
        for column, tag in tags_of(track):
            counts.setdefault(column, Counter())[tag] += 1
    return counts


def _variants(counted: Mapping[str, Counter[str]]) -> dict[Tag, str]:
    """Tags that differ from a more frequent one only by case, blanks or hyphens."""
    found = {}
    for column, counts in counted.items():
        spelt = {fold(tag): tag for tag in reversed(_ranked(counts))}
        found.update({(column, tag): spelt[fold(tag)] for tag in counts if spelt[fold(tag)] != tag})
    return found


def _slips(counts: Counter[str]) -> Iterator[tuple[str, str]]:
    ranked = _ranked(counts)
    for tag in ranked:
        if counts[tag] <= MAX_OCCURRENCES:
            frequent = (other for other in ranked if counts[other] >= MIN_RATIO * counts[tag])
            meant = next((other for other in frequent if _is_slip(tag, other)), None)
            if meant is not None:
                yield tag, meant


def _ranked(counts: Counter[str]) -> list[str]:
    return sorted(counts, key=lambda tag: (-counts[tag], tag))


def _is_slip(tag: str, other: str) -> bool:
    apart = set(tag.casefold().split()) - set(other.casefold().split())
    same_digits = [*filter(str.isdigit, tag)] == [*filter(str.isdigit, other)]
    return same_digits and not apart <= _WORDS and is_near(tag, other, long_word=LONG_TAG)
