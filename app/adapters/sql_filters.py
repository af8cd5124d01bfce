"""Filter trees to SQL, the same meaning on SQLite and PostgreSQL.

An unknown field makes a condition false, never unknown: so each condition asks for a value first, and ``Not`` of it
is true.
"""

from collections.abc import Sequence

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast, exists, false, func, not_, or_, select, true

from app.adapters.checked_filter import checked_filter
from app.adapters.sql_engine import write_json
from app.adapters.storable import is_id
from app.adapters.tables import track
from app.filters import FIELDS, AllOf, AnyOf, Between, FieldType, Filter, Known, Not, OneOf, SameAsQuery, Value

_INDEXED = {"id", "artist", "album", "external_id"}

_FEW = 20
"""So many texts are looked for in a list as it is written before it is taken apart."""


def is_indexed(where: Filter) -> bool:
    """Whether an index finds the tracks, so that nobody has to look at all."""
    return isinstance(where, OneOf) and where.field in _INDEXED


def comparable_column(field: str) -> ColumnElement[object]:
    """Return the column by which a field is compared and sorted."""
    folded = FIELDS[field] is FieldType.TEXT and field != "id"
    return track.c[f"{field}_folded" if folded else field]


def compile_filter(where: Filter, dialect: str) -> ColumnElement[bool]:
    """Return the condition on rows of ``track``.

    Raises:
        InvalidRequest: Unknown field or a value of the wrong type.
    """
    return _compile(checked_filter(where), dialect)


def _compile(where: Filter, dialect: str) -> ColumnElement[bool]:
    match where:
        case Not(inner):
            return not_(_compile(inner, dialect))
        case AllOf(inners):
            return and_(true(), *(_compile(inner, dialect) for inner in inners))
        case AnyOf(inners):
            return or_(false(), *(_compile(inner, dialect) for inner in inners))
        case OneOf(field, values):
            return _one_of(field, values, dialect)
        case Between():
            return _between(where)
        case Known(field):
            return _known(field, dialect)
        case SameAsQuery():
            raise AssertionError("checked_filter refuses what refers to a query")


def _one_of(field: str, values: Sequence[Value], dialect: str) -> ColumnElement[bool]:
    if FIELDS[field] is FieldType.TEXT_LIST:
        return _one_in_list(track.c[f"{field}_folded"], values, dialect)
    column = comparable_column(field)
    if field == "id":
        return column.in_([value for value in values if is_id(str(value))])
    return and_(column.is_not(None), column.in_(values))


def _one_in_list(column: ColumnElement[object], values: Sequence[Value], dialect: str) -> ColumnElement[bool]:
    if dialect != "sqlite":
        return column.bool_op("?|")(cast(values, ARRAY(Text)))
    texts = func.json_each(column).table_valued("value", joins_implicitly=True)
    return and_(_may_hold(column, values), exists(select(1).select_from(texts).where(texts.c.value.in_(values))))


def _may_hold(column: ColumnElement[object], values: Sequence[Value]) -> ColumnElement[bool]:
    """Whether one of the texts stands in a list as SQLite writes it, be it as a part: quick to see."""
    if len(values) > _FEW:
        return true()
    return or_(false(), *(func.instr(column, write_json(value)) > 0 for value in values))


def _between(where: Between) -> ColumnElement[bool]:
    column = comparable_column(where.field)
    conditions: list[ColumnElement[bool]] = [column.is_not(None)]
    if where.gte is not None:
        conditions.append(column >= where.gte)
    if where.lte is not None:
        conditions.append(column <= where.lte)
    if where.gt is not None:
        conditions.append(column > where.gt)
    if where.lt is not None:
        conditions.append(column < where.lt)
    return and_(*conditions)


def _known(field: str, dialect: str) -> ColumnElement[bool]:
    if FIELDS[field] is FieldType.TEXT_LIST:
        length = func.json_array_length if dialect == "sqlite" else func.jsonb_array_length
        return length(track.c[f"{field}_folded"]) > 0
    return comparable_column(field).is_not(None)
