"""The catalogue in SQL, on SQLite and PostgreSQL: tracks and encoders, and here libraries and access keys."""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, bindparam, delete, func, select

from app.adapters.rows import Values, key_from_row, key_values
from app.adapters.sql_encoders import SqlEncoders
from app.adapters.sql_engine import insert_into
from app.adapters.sql_tag_counts import SqlTagCounts
from app.adapters.sql_tracks import SqlTracks
from app.adapters.storable import is_id
from app.adapters.tables import api_key, library
from app.domain import Library
from app.errors import Conflict, NotFound
from app.keys import ApiKey

_HELD_KEYS = select(api_key.c.id).order_by(api_key.c.id).with_for_update()
"""Keys are deleted one after the other: of two at once, each would see the other's as left."""

_KEY = select(api_key).where(api_key.c.secret_sha256 == bindparam("secret_sha256"))
_COUNT_KEYS = select(func.count()).select_from(api_key)


class SqlCatalogue(SqlTracks, SqlEncoders):
    """Implements ``ports.Catalogue``."""

    def __init__(self, connection: Connection, tag_counts: SqlTagCounts) -> None:
        self._connection = connection
        self._tag_counts = tag_counts

    def add_library(self, new: Library) -> None:
        if not self._insert(library, {"id": new.id, "name": new.name}):
            raise Conflict(f"There is a library named {new.name!r} or with its id: choose another name.")

    def libraries(self) -> Sequence[Library]:
        query = select(library).order_by(library.c.name)
        return [Library(row.id, row.name) for row in self._connection.execute(query)]

    def add_key(self, key: ApiKey) -> None:
        if not self._insert(api_key, key_values(key)):
            raise Conflict("There is a key with this secret or id already: make a new secret.")

    def keys(self, library_id: str) -> Sequence[ApiKey]:
        query = (
            select(api_key).where(api_key.c.library_id == library_id).order_by(api_key.c.created_at, api_key.c.id)
        )
        return [key_from_row(row) for row in self._connection.execute(query)]

    def key_by_hash(self, secret_sha256: str) -> ApiKey | None:
        row = self._connection.execute(_KEY, {"secret_sha256": secret_sha256}).one_or_none()
        return None if row is None else key_from_row(row)

    def count_keys(self) -> int:
        return self._connection.execute(_COUNT_KEYS).scalar_one()

    def delete_key(self, library_id: str, key_id: str) -> None:
        self._connection.execute(_HELD_KEYS)
        removed = 0
        if is_id(key_id):
            statement = delete(api_key).where(api_key.c.id == key_id, api_key.c.library_id == library_id)
            removed = self._connection.execute(statement).rowcount
        if not removed:
            raise NotFound(f"There is no key {key_id!r:.80} in this library.")

    def _insert(self, table: Table, values: Values) -> bool:
        """Insert unless something there is like it; PostgreSQL tells which only by what it returns."""
        statement = insert_into(self._connection, table).on_conflict_do_nothing().returning(table.c.id)
        return self._connection.execute(statement, values).one_or_none() is not None
