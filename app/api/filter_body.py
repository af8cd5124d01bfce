"""The filter tree as JSON: ``{"all": […]}``, ``{"any": […]}``, ``{"not": …}`` or a condition on one field."""

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from app.api.problems import refusal
from app.api.schemas import RequestBody
from app.api.text import Line
from app.filters import FIELDS, AllOf, AnyOf, Between, Filter, Known, Not, OneOf, SameAsQuery

MAX_CONDITIONS = 200
MAX_DEPTH = 20

Value = Annotated[
    Annotated[float, Field(strict=True), Tag("number")] | Annotated[Line, Tag("text")],
    Discriminator(lambda sent: "text" if isinstance(sent, str) else "number"),
]
"""Told apart by what was sent, so that a fault is told of that and not of the other as well."""

_SHAPES = ("all", "any", "not", "field")
_BOUNDS = ("gte", "lte", "gt", "lt")
_CONDITIONS = ("in", "equals", "known", "same_as_query")


class FilterBody(RequestBody):
    """One node of the tree: exactly one of ``all``, ``any``, ``not`` and ``field``."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "all": [
                    {"field": "tempo_bpm", "gte": 90, "lte": 110},
                    {"field": "licence", "in": ["CC0", "CC-BY-4.0"]},
                    {"not": {"field": "artist", "same_as_query": True}},
                ]
            }
        },
    )
    all_: Annotated[list["FilterBody"], Field(max_length=MAX_CONDITIONS)] | None = Field(default=None, alias="all")
    any_: Annotated[list["FilterBody"], Field(max_length=MAX_CONDITIONS)] | None = Field(default=None, alias="any")
    not_: "FilterBody | None" = Field(default=None, alias="not")
    field: Line | None = Field(default=None, description="One of: " + ", ".join(FIELDS))
    in_: Annotated[list[Value], Field(min_length=1, max_length=1000)] | None = Field(default=None, alias="in")
    equals: Value | None = None
    gte: Value | None = None
    lte: Value | None = None
    gt: Value | None = None
    lt: Value | None = None
    known: bool | None = None
    same_as_query: bool | None = None

    @model_validator(mode="after")
    def _has_one_shape(self) -> Self:
        shapes = [name for name in _SHAPES if name in self.sent()]
        if len(shapes) != 1:
            raise ValueError(
                f"a filter has exactly one of 'all', 'any', 'not' and 'field', this has {shapes or 'none of them'}"
            )
        conditions = [name for name in self.sent() if name in _CONDITIONS]
        if any(name in self.sent() for name in _BOUNDS):
            conditions.append("bounds")
        if len(conditions) != (1 if shapes == ["field"] else 0):
            raise ValueError(
                "a field has exactly one of 'in', 'equals', 'known', 'same_as_query' and bounds "
                f"('gte', 'lte', 'gt', 'lt'), and nothing else has any; this has {conditions or 'none of them'}"
            )
        if self.field is not None and self.field not in FIELDS:
            raise ValueError(f"there is no field '{self.field}'; fields are {', '.join(FIELDS)}")
        return self

    def sent(self) -> set[str]:
        """Names that were sent with a value, as the caller spells them."""
        return {name.rstrip("_") for name in self.model_fields_set if getattr(self, name) is not None}

    def to_filter(self) -> Filter:
        """Turn it into the domain's filter."""
        if self.all_ is not None:
            return AllOf([inner.to_filter() for inner in self.all_])
        if self.any_ is not None:
            return AnyOf([inner.to_filter() for inner in self.any_])
        if self.not_ is not None:
            return Not(self.not_.to_filter())
        return self._condition(self.field or "")

    def _condition(self, field: str) -> Filter:
        if self.in_ is not None:
            return OneOf(field, self.in_)
        if self.equals is not None:
            return OneOf(field, [self.equals])
        if self.known is not None:
            return Known(field) if self.known else Not(Known(field))
        if self.same_as_query is not None:
            return SameAsQuery(field) if self.same_as_query else Not(SameAsQuery(field))
        return Between(field, gte=self.gte, lte=self.lte, gt=self.gt, lt=self.lt)


def _of_fair_size(sent: object) -> object:
    """Refuse a tree that is too large or too deep before its nodes are looked at one by one."""
    level, nodes, depth = [sent], 0, 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > MAX_CONDITIONS or depth > MAX_DEPTH:
            raise ValueError(
                f"the filter has {nodes} nodes in its first {depth} levels; at most {MAX_CONDITIONS} nodes and "
                f"{MAX_DEPTH} levels are taken"
            )
        level = [inner for node in level for inner in _inner(node)]
    return sent


def _inner(node: object) -> list[object]:
    """Return what stands within a node as it was sent, whether it may stand there or not."""
    if not isinstance(node, Mapping):
        return []
    lists = [node.get(name) for name in ("all", "any")]
    return [inner for found in lists if isinstance(found, list) for inner in found] + (
        [node["not"]] if "not" in node else []
    )


FilterTree = Annotated[FilterBody, BeforeValidator(_of_fair_size)]
"""A whole filter, its root."""

_ADAPTER: TypeAdapter[FilterBody] = TypeAdapter(FilterTree)


def filter_from_query(text: str | None) -> Filter | None:
    """Read a filter that stands as JSON in a query parameter."""
    if not text:
        return None
    try:
        return _ADAPTER.validate_json(text).to_filter()
    except ValidationError as error:
        raise refusal(error, "query", "filter") from error
