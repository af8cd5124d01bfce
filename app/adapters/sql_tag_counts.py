"""How many tracks of each library carry each tag, kept as tracks are written: counting them anew reads them all."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, delete, select

from app.adapters.sql_engine import insert_into
from app.adapters.tables import tag_count

_KEY = ["library_id", "tag_sha256"]
_GONE = delete(tag_count).where(
    tag_count.c.library_id == bindparam("of"), tag_count.c.tag_sha256 == bindparam("named"), tag_count.c.tracks <= 0
)


class SqlTagCounts:
    """The counts, within one transaction.

    What changes waits in memory until ``flush``, right before the commit: rows of common tags are held shortly, and
    taken by everybody in the same order.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: Counter[tuple[str, str]] = Counter()

    def change(self, library_id: str, before: Iterable[str], after: Iterable[str]) -> None:
        """Note which folded tags a track of the catalogue had, and which it has now."""
        self._waiting.subtract((library_id, tag) for tag in before)
        self._waiting.update((library_id, tag) for tag in after)

    def commonest(self, library_id: str, limit: int) -> Mapping[str, int]:
        """Return how many tracks carry each tag, the commonest first, among equals by tag."""
        self.flush()
        query = (
            select(tag_count.c.tag, tag_count.c.tracks)
            .where(tag_count.c.library_id == library_id)
            .order_by(tag_count.c.tracks.desc(), tag_count.c.tag)
            .limit(limit)
        )
        return {row.tag: row.tracks for row in self._connection.execute(query)}

    def flush(self) -> None:
        """Write what waits."""
        changed = sorted((*place, more) for place, more in self._waiting.items() if more)
        self._waiting.clear()
        rows = [
            {"library_id": library_id, "tag_sha256": _digest(tag), "tag": tag, "tracks": more}
            for library_id, tag, more in changed
        ]
        if rows:
            adding = insert_into(self._connection, tag_count)
            sums = {"tracks": tag_count.c.tracks + adding.excluded.tracks}
            self._connection.execute(adding.on_conflict_do_update(index_elements=_KEY, set_=sums), rows)
        fewer = [{"of": library_id, "named": _digest(tag)} for library_id, tag, more in changed if more < 0]
        if fewer:
            self._connection.execute(_GONE, fewer)


def _digest(tag: str) -> str:
    return hashlib.sha256(tag.encode()).hexdigest()
