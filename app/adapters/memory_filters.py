"""Filter trees in Python: the reference that SQL is tested against."""

from collections.abc import Mapping
from typing import Any

from app.adapters.checked_filter import comparable_text
from app.domain import Track
from app.filters import AllOf, AnyOf, Between, Filter, Known, Not, OneOf, SameAsQuery, Value
from app.track_tags import all_tags


def comparable_values(track: Track, field: str) -> tuple[Value, ...]:
    """Return the field's values as they are compared; none when it is unknown."""
    value = _raw_values(track)[field]
    values = value if isinstance(value, tuple) else () if value is None else (value,)
    return tuple(comparable_text(each) if isinstance(each, str) else each for each in values)


def holds(where: Filter, track: Track) -> bool:
    """Whether a filter from ``checked_filter`` holds for the track."""
    match where:
        case Not(inner):
            return not holds(inner, track)
        case AllOf(inners):
            return all(holds(inner, track) for inner in inners)
        case AnyOf(inners):
            return any(holds(inner, track) for inner in inners)
        case OneOf(field, values):
            return not set(values).isdisjoint(comparable_values(track, field))
        case Between(field):
            return any(_lies_between(value, where) for value in comparable_values(track, field))
        case Known(field):
            return bool(comparable_values(track, field))
        case SameAsQuery():
            raise AssertionError("checked_filter refuses what refers to a query")


def _lies_between(value: Any, where: Between) -> bool:  # noqa: ANN401 (checked: of the type of the bounds)
    return (
        (where.gte is None or value >= where.gte)
        and (where.lte is None or value <= where.lte)
        and (where.gt is None or value > where.gt)
        and (where.lt is None or value < where.lt)
    )


def _raw_values(track: Track) -> Mapping[str, Value | tuple[str, ...] | None]:
    analysis = track.analysis
    return {
        "id": track.id,
        "title": track.metadata.title,
        "artist": track.metadata.artist,
        "album": track.metadata.album,
        "external_id": track.metadata.external_id,
        "licence": track.metadata.licence,
        "tags": track.metadata.tags,
        "all_tags": tuple(each.tag for each in all_tags(track.metadata, track.heard)),
        "created_at": track.created_at,
        "key": None if analysis is None else analysis.key,
        "duration_s": None if analysis is None else analysis.duration_s,
        "loudness_lufs": None if analysis is None else analysis.loudness_lufs,
        "tempo_bpm": None if analysis is None else analysis.tempo_bpm,
        "tempo_confidence": None if analysis is None else analysis.tempo_confidence,
        "key_confidence": None if analysis is None else analysis.key_confidence,
    }
