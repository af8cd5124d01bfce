"""Weightings in SQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, select, update

from app.adapters.memory_weightings import name_taken, weighting_not_found
from app.adapters.sql_engine import insert_into
from app.adapters.storable import is_id, storable_text
from app.adapters.tables import weighting as _weighting
from app.errors import Conflict
from app.weightings import Weighting


class SqlWeightings:
    """Implements ``weightings.Weightings``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, weighting: Weighting) -> None:
        values = {"id": weighting.id, "library_id": weighting.library_id, "created_at": weighting.created_at}
        statement = insert_into(self._connection, _weighting).values(**values, **_changeable(weighting))
        unless_taken = statement.on_conflict_do_nothing(index_elements=["library_id", "name"])
        if self._connection.execute(unless_taken.returning(_weighting.c.id)).one_or_none() is None:
            raise name_taken(weighting)

    def all(self, library_id: str) -> Sequence[Weighting]:
        rows = self._connection.execute(select(_weighting).where(_weighting.c.library_id == library_id))
        return sorted(map(_from_row, rows), key=lambda each: each.name)

    def weighting(self, library_id: str, weighting_id: str) -> Weighting:
        row = None
        if is_id(weighting_id):
            row = self._connection.execute(select(_weighting).where(_is(library_id, weighting_id))).one_or_none()
        if row is None:
            raise weighting_not_found(weighting_id)
        return _from_row(row)

    def save(self, weighting: Weighting) -> None:
        self.weighting(weighting.library_id, weighting.id)
        change = update(_weighting).where(_is(weighting.library_id, weighting.id)).values(**_changeable(weighting))
        try:
            with self._connection.begin_nested():
                self._connection.execute(change)
        except Conflict as error:
            raise name_taken(weighting) from error

    def delete(self, library_id: str, weighting_id: str) -> None:
        self.weighting(library_id, weighting_id)
        self._connection.execute(delete(_weighting).where(_is(library_id, weighting_id)))


def _is(library_id: str, weighting_id: str) -> ColumnElement[bool]:
    return (_weighting.c.library_id == library_id) & (_weighting.c.id == weighting_id)


def _changeable(weighting: Weighting) -> dict[str, Any]:
    return {
        "name": storable_text(weighting.name),
        "encoder": weighting.encoder,
        "weights": dict(weighting.weights),
    }


def _from_row(row: Row[Any]) -> Weighting:
    return Weighting(row.id, row.library_id, row.name, row.encoder, row.weights, row.created_at)
