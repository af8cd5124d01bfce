"""Filter trees to SQL, the same meaning on SQLite and PostgreSQL.

An unknown field makes a condition false, never unknown: so each condition asks for a value first, and ``Not`` of it
is true.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, TableValuedAlias, and_, exists, false, func, not_, or_, select, true

from app.adapters.checked_filter import checked_filter
from app.adapters.storable import is_id
from app.adapters.tables import track
from app.filters import FIELDS, AllOf, AnyOf, Between, FieldType, Filter, Known, Not, OneOf, SameAsQuery, Value


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
        elements = _elements(dialect)
        return exists(select(1).select_from(elements).where(elements.c.value.in_(values)))
    column = comparable_column(field)
    if field == "id":
        return column.in_([value for value in values if is_id(str(value))])
    return and_(column.is_not(None), column.in_(values))


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
        return exists(select(1).select_from(_elements(dialect)))
    return comparable_column(field).is_not(None)


def _elements(dialect: str) -> TableValuedAlias:
    """The folded tags of a track, as rows of one column ``value``."""
    unpack = func.json_each if dialect == "sqlite" else func.jsonb_array_elements_text
    return unpack(track.c.tags_folded).table_valued("value")
