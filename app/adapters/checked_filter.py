"""Checks a filter tree once and gives its values the form in which they are compared, for SQL and memory alike."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from app.adapters.storable import storable_text
from app.errors import Fault, InvalidRequest
from app.filters import (
    FIELDS,
    AllOf,
    AnyOf,
    Between,
    FieldType,
    Filter,
    Known,
    Not,
    OneOf,
    SameAsQuery,
    Value,
    fold_text,
)

MAX_NODES = 500
MAX_DEPTH = 50
MAX_VALUES = 10_000
UNORDERED = {"id", "tags", "all_tags"}


def comparable_text(text: str) -> str:
    """Return text as it is compared: as stored, then folded."""
    return fold_text(storable_text(text))


def checked_filter(where: Filter) -> Filter:
    """Return the filter with folded text, floats and times with their zone.

    Raises:
        InvalidRequest: Every unknown field, value of a wrong type and use of ``SameAsQuery``, each with its place.
    """
    checker = _Checker()
    checked = checker.check(where, "filter", 1)
    if checker.faults:
        summary = "; ".join(f"{fault.place}: {fault.message}" for fault in checker.faults[:3])
        raise InvalidRequest(f"The filter cannot be used: {summary}.", checker.faults)
    return checked


class _Checker:
    """Walks one tree and collects its faults."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._nodes = 0
        self._values = 0

    def check(self, where: Filter, place: str, depth: int) -> Filter:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise InvalidRequest(
                f"The filter is too large: at most {MAX_NODES} conditions, {MAX_DEPTH} deep.",
                [Fault(place, "is beyond the size that can be compiled")],
            )
        match where:
            case Not(inner):
                return Not(self.check(inner, f"{place}.not", depth + 1))
            case AllOf(inners):
                return AllOf(self._check_all(inners, f"{place}.all", depth))
            case AnyOf(inners):
                return AnyOf(self._check_all(inners, f"{place}.any", depth))
            case _:
                return self._check_leaf(where, place)

    def _check_all(self, inners: Sequence[Filter], place: str, depth: int) -> Sequence[Filter]:
        return [self.check(each, f"{place}[{index}]", depth + 1) for index, each in enumerate(inners)]

    def _check_leaf(self, where: SameAsQuery | OneOf | Between | Known, place: str) -> Filter:
        if where.field not in FIELDS:
            self._fault(f"{place}.field", f"'{where.field}' is unknown; fields are {', '.join(FIELDS)}")
            return where
        match where:
            case OneOf(field, values):
                return OneOf(field, self._comparables(field, values, f"{place}.in"))
            case Between():
                return self._check_bounds(where, place)
            case SameAsQuery():
                self._fault(place, "'same_as_query' refers to a query, which only a search has")
        return where

    def _check_bounds(self, where: Between, place: str) -> Between:
        if where.field in UNORDERED:
            self._fault(f"{place}.field", f"'{where.field}' has no order; use 'in' instead of bounds")
            return where

        def checked(name: str, bound: Value | None) -> Value | None:
            return None if bound is None else self._comparables(where.field, [bound], f"{place}.{name}")[0]

        return Between(
            where.field,
            gte=checked("gte", where.gte),
            lte=checked("lte", where.lte),
            gt=checked("gt", where.gt),
            lt=checked("lt", where.lt),
        )

    def _comparables(self, field: str, values: Sequence[Value], place: str) -> Sequence[Value]:
        self._values += len(values)
        if self._values > MAX_VALUES:
            raise InvalidRequest(
                f"The filter has more than {MAX_VALUES} values.",
                [Fault(place, "has too many values to be compiled")],
            )
        return [self._comparable(field, value, place) for value in values]

    def _comparable(self, field: str, value: Value, place: str) -> Value:
        kind = FIELDS[field]
        comparable = _CONVERSIONS[kind](value)
        if comparable is None:
            self._fault(place, f"'{field}' takes {_EXPECTED[kind]}, not {value!r:.80}")
            return value
        return comparable

    def _fault(self, place: str, message: str) -> None:
        self.faults.append(Fault(place, storable_text(message)))


def _text(value: Value) -> str | None:
    return comparable_text(value) if isinstance(value, str) else None


def _number(value: Value) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _time(value: Value) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(moment, datetime):
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_CONVERSIONS: dict[FieldType, Callable[[Value], Value | None]] = {
    FieldType.TEXT: _text,
    FieldType.TEXT_LIST: _text,
    FieldType.NUMBER: _number,
    FieldType.TIME: _time,
}
_EXPECTED = {
    FieldType.TEXT: "text",
    FieldType.TEXT_LIST: "text",
    FieldType.NUMBER: "a finite number",
    FieldType.TIME: "a time such as 2026-01-31T12:00:00Z",
}
