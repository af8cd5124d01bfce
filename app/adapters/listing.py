"""Sorting and cursors of track listings: the same text means the same on every database."""

import base64
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from app.adapters.storable import is_id, storable_text
from app.errors import Fault, InvalidRequest
from app.filters import FIELDS, FieldType, Value

MAX_TEXT = 500
"""How long a text to search for may be, in characters."""


@dataclass(frozen=True, slots=True)
class Sort:
    """By which field, and which way. Tracks that lack the field come last either way; ties by id, the same way."""

    field: str
    descending: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``"title"`` or ``"-title"``. Raises ``InvalidRequest`` for a field that cannot be sorted by."""
        name = text.removeprefix("-")
        if FIELDS.get(name, FieldType.TEXT_LIST) is FieldType.TEXT_LIST:
            sortable = ", ".join(each for each, kind in FIELDS.items() if kind is not FieldType.TEXT_LIST)
            message = (
                f"'{name:.80}' cannot be sorted by; expected one of {sortable}, with '-' before it for descending"
            )
            raise InvalidRequest(f"The order is unknown: {message}.", [Fault("sort", message)])
        return cls(name, text.startswith("-"))


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last track of a page: its value of the sorted field (as compared) and its id."""

    sort: Sort
    value: Value | None
    id: str

    def encode(self) -> str:
        """Write it as opaque text."""
        value = self.value.isoformat() if isinstance(self.value, datetime) else self.value
        text = json.dumps([self.sort.field, self.sort.descending, value, self.id], ensure_ascii=False)
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, sort: Sort) -> Self:
        """Read it back. Raises ``InvalidRequest`` unless it came from a listing of this order."""
        try:
            return cls(sort, *_read(text, sort))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            message = "is not one that a listing in this order gave; list again from the start"
            raise InvalidRequest(f"The cursor {message}.", [Fault("cursor", message)]) from error


def check_id_cursor(cursor: str | None) -> None:
    """Raise ``InvalidRequest`` unless it is the last id of a page: jobs and briefs are listed by id."""
    if cursor is not None and not is_id(cursor):
        raise InvalidRequest(f"{cursor!r} is not a cursor of this listing; take next_cursor of its last page.")


def check_text(text: str) -> None:
    """Raise ``InvalidRequest`` for a text too long to be searched for."""
    if len(text) > MAX_TEXT:
        message = f"has {len(text)} characters; at most {MAX_TEXT} are looked for"
        raise InvalidRequest(f"The text {message}.", [Fault("text", message)])


def _read(text: str, sort: Sort) -> tuple[Value | None, str]:
    padded = text + "=" * (-len(text) % 4)
    field, descending, value, track_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    if Sort(field, descending) != sort or not is_id(track_id):
        raise ValueError
    return _read_value(FIELDS[sort.field], value), track_id


def _read_value(kind: FieldType, value: object) -> Value | None:
    if value is None:
        return None
    if kind is FieldType.TIME and isinstance(value, str):
        return datetime.fromisoformat(value).astimezone(UTC)
    if kind is FieldType.NUMBER and isinstance(value, float) and math.isfinite(value):
        return value
    if kind is FieldType.TEXT and isinstance(value, str) and value == storable_text(value):
        return value
    raise ValueError
