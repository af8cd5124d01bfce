"""The filter tree: which tracks may be found at all. Pure values; adapters compile them to SQL."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class FieldType(StrEnum):
    """What values a field takes."""

    TEXT = "text"
    NUMBER = "number"
    TEXT_LIST = "text list"
    TIME = "time"


FIELDS: Mapping[str, FieldType] = {
    "id": FieldType.TEXT,
    "title": FieldType.TEXT,
    "artist": FieldType.TEXT,
    "album": FieldType.TEXT,
    "external_id": FieldType.TEXT,
    "licence": FieldType.TEXT,
    "tags": FieldType.TEXT_LIST,
    "all_tags": FieldType.TEXT_LIST,
    "key": FieldType.TEXT,
    "duration_s": FieldType.NUMBER,
    "loudness_lufs": FieldType.NUMBER,
    "tempo_bpm": FieldType.NUMBER,
    "tempo_confidence": FieldType.NUMBER,
    "key_confidence": FieldType.NUMBER,
    "created_at": FieldType.TIME,
}
"""Every field that a filter may name, with its type."""


def fold_text(text: str) -> str:
    """Return the form in which text is compared: without case, and with composed characters.

    "ÉTUDE" and "étude" fold to the same, whether their accents are characters of their own (as in names of files
    from macOS) or not. Every adapter compares folded text, so that all of them agree.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


Value: TypeAlias = str | float | datetime
"""Times may also come as RFC 3339 text; without a zone they are UTC."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field equals one of the values (for a list field: contains one of them). Text ignores case."""

    field: str
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Between:
    """The field is known and lies between the bounds; ``None`` leaves that side open."""

    field: str
    gte: Value | None = None
    lte: Value | None = None
    gt: Value | None = None
    lt: Value | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """The field has a value."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """The inner filter does not hold. An unknown field makes the inner filter false, so this one true."""

    inner: "Filter"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every inner filter holds; holds when there are none."""

    inner: Sequence["Filter"]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one inner filter holds; does not hold when there are none."""

    inner: Sequence["Filter"]


@dataclass(frozen=True, slots=True)
class SameAsQuery:
    """The field equals that of a track or clip the query refers to.

    A search replaces it by what the query's references have; no other listing knows it.
    """

    field: str


Filter: TypeAlias = SameAsQuery | OneOf | Between | Known | Not | AllOf | AnyOf
