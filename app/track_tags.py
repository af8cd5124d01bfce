"""The tags that a track carries: those that people gave it, and those heard in it that nobody denied. No IO."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.domain import Metadata
from app.filters import fold_text


class TagSource(StrEnum):
    """Who says that a track carries a tag."""

    OWN = "own"
    HEARD = "heard"


@dataclass(frozen=True, slots=True)
class TrackTag:
    """A tag of a track. ``confidence``: how sure the encoder is that hears it, 0 to 1; ``None`` for people."""

    tag: str
    source: TagSource
    confidence: float | None = None


def all_tags(metadata: Metadata, heard: Mapping[str, float]) -> Sequence[TrackTag]:
    """Return the tags of a track, each once, ignoring case: its own in their order, then those heard, surest first.

    What people say goes before what is heard: an own tag is always there, one that is denied and not own never.
    """
    own = [TrackTag(tag, TagSource.OWN) for tag in metadata.tags]
    denied = {fold_text(tag) for tag in metadata.denied_tags}
    surest = sorted(heard.items(), key=lambda pair: (-pair[1], pair[0]))
    others = [TrackTag(tag, TagSource.HEARD, sure) for tag, sure in surest if fold_text(tag) not in denied]
    distinct: dict[str, TrackTag] = {}
    for each in (*own, *others):
        distinct.setdefault(fold_text(each.tag), each)
    return list(distinct.values())


def without(tags: Iterable[str], others: Collection[str]) -> tuple[str, ...]:
    """Return the tags that are none of the others, ignoring case."""
    folded = {fold_text(other) for other in others}
    return tuple(tag for tag in tags if fold_text(tag) not in folded)
