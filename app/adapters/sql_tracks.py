"""Tracks and clips in SQL."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from app.adapters.checked_filter import comparable_text
from app.adapters.listing import Cursor, Sort, check_text
from app.adapters.rows import Values, analysis_values, metadata_values, track_from_row, track_values
from app.adapters.sql_engine import insert_into
from app.adapters.sql_filters import comparable_column, compile_filter
from app.adapters.storable import is_id, storable_analysis, storable_metadata, storable_track
from app.adapters.tables import embedding, job, track
from app.database import Numbers, Page
from app.domain import Analysis, JobState, Metadata, Track, TrackState, utc_now
from app.errors import Conflict, NotFound
from app.filters import Filter

CHUNK = 1000
"""How many values one statement lists."""

# Literals, not parameters: otherwise SQLite cannot tell that a partial index serves.
IS_TRACK = track.c.kind == literal_column("'track'")
_IS_CLIP = track.c.kind == literal_column("'clip'")
_SEARCHED = (track.c.title_folded, track.c.artist_folded, track.c.album_folded)


class SqlTracks:
    """The part of ``ports.Catalogue`` that is about tracks and clips."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_track(self, new: Track) -> Track:
        insert = insert_into(self._connection, track).on_conflict_do_nothing().returning(track)
        row = self._connection.execute(insert, track_values(storable_track(new))).one_or_none()
        if row is None:
            raise Conflict(
                f"The library already has a track of these bytes (SHA-256 {new.audio.sha256}) or this id."
            )
        return track_from_row(row)

    def track(self, library_id: str, track_id: str) -> Track:
        row = None
        if is_id(track_id):
            query = select(track).where(track.c.id == track_id, track.c.library_id == library_id)
            row = self._connection.execute(query).one_or_none()
        if row is None:
            raise not_found(track_id)
        return track_from_row(row)

    def track_by_sha256(self, library_id: str, sha256: str) -> Track | None:
        query = select(track).where(track.c.library_id == library_id, track.c.sha256 == sha256, IS_TRACK)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else track_from_row(row)

    def tracks_by_number(self, library_id: str, numbers: Iterable[int]) -> dict[int, Track]:
        found: dict[int, Track] = {}
        for chunk in chunks(numbers):
            query = select(track).where(track.c.number.in_(chunk), track.c.library_id == library_id)
            found.update((row.number, track_from_row(row)) for row in self._connection.execute(query))
        return found

    def list_tracks(
        self,
        library_id: str,
        *,
        where: Filter | None = None,
        text: str | None = None,
        state: TrackState | None = None,
        sort: str = "-created_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        order = Sort.parse(sort)
        query = self._catalogue(library_id, where)
        if text:
            query = query.where(_contains(text))
        if state is not None:
            query = query.where(track.c.state == state)
        if cursor is not None:
            query = query.where(_after(Cursor.decode(cursor, order)))
        query = query.with_only_columns(track).order_by(*_order(order)).limit(limit + 1)
        rows = self._connection.execute(query).all()
        more = len(rows) > limit
        tail = _cursor_at(rows[limit - 1], order).encode() if more else None
        return Page([track_from_row(row) for row in rows[:limit]], tail)

    def allowed_numbers(self, library_id: str, where: Filter) -> Numbers:
        query = self._catalogue(library_id, where).order_by(track.c.number)
        return np.fromiter(self._connection.execute(query).scalars(), np.int64)

    def update_metadata(self, library_id: str, track_id: str, metadata: Metadata) -> Track:
        self.track(library_id, track_id)
        self._update(track_id, metadata_values(storable_metadata(metadata)))
        return self.track(library_id, track_id)

    def set_state(self, track_id: str, state: TrackState) -> None:
        self._update(track_id, {"state": state})

    def set_audio_key(self, track_id: str, key: str | None) -> None:
        self._update(track_id, {"audio_key": key})

    def save_analysis(self, track_id: str, analysis: Analysis) -> None:
        self._update(track_id, analysis_values(storable_analysis(analysis)))

    def delete_track(self, library_id: str, track_id: str) -> Track:
        removed = self.track(library_id, track_id)
        # Jobs first: workers, too, lock a job before its track.
        self._connection.execute(delete(job).where(job.c.subject == track_id, job.c.library_id == library_id))
        self._connection.execute(delete(track).where(track.c.id == track_id))
        return removed

    def expired_clips(self, now: datetime, limit: int = 100) -> Sequence[Track]:
        query = select(track).where(_IS_CLIP, track.c.expires_at <= now).order_by(track.c.expires_at).limit(limit)
        return [track_from_row(row) for row in self._connection.execute(query)]

    def count_tracks(self, library_id: str) -> Mapping[TrackState, int]:
        query = (
            select(track.c.state, func.count())
            .where(track.c.library_id == library_id, IS_TRACK)
            .group_by(track.c.state)
        )
        counted = {TrackState(state): count for state, count in self._connection.execute(query)}
        return {state: counted.get(state, 0) for state in TrackState}

    def tracks_without_vectors(self, encoder_ids: Sequence[str], limit: int = 100) -> Sequence[Track]:
        present = (
            select(func.count())
            .where(embedding.c.track_number == track.c.number, embedding.c.encoder_id.in_(encoder_ids))
            .scalar_subquery()
        )
        newest = select(job.c.state).where(job.c.subject == track.c.id).order_by(job.c.id.desc()).limit(1)
        query = (
            select(track)
            .where(IS_TRACK, track.c.state != TrackState.FAILED, track.c.audio_key.is_not(None))
            .where(present < len(set(encoder_ids)))
            .where(func.coalesce(newest.scalar_subquery(), JobState.DONE) == JobState.DONE)
            .order_by(track.c.number)
            .limit(limit)
        )
        return [track_from_row(row) for row in self._connection.execute(query)]

    def _catalogue(self, library_id: str, where: Filter | None) -> Select[tuple[int]]:
        query = select(track.c.number).where(track.c.library_id == library_id, IS_TRACK)
        return query if where is None else query.where(compile_filter(where, self._connection.dialect.name))

    def _update(self, track_id: str, values: Values) -> None:
        changed = 0
        if is_id(track_id):
            statement = update(track).where(track.c.id == track_id).values(**values, updated_at=utc_now())
            changed = self._connection.execute(statement).rowcount
        if not changed:
            raise not_found(track_id)


def not_found(track_id: str) -> NotFound:
    """Return the error for a track that is not there."""
    return NotFound(f"There is no track or clip {track_id!r:.80} in this library.")


def chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Yield the numbers, ascending and once each, in pieces that a statement can list."""
    ordered = np.unique(np.fromiter(numbers, np.int64))
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK].tolist()


def _contains(text: str) -> ColumnElement[bool]:
    check_text(text)
    return or_(*(column.contains(comparable_text(text), autoescape=True) for column in _SEARCHED))


def _order(sort: Sort) -> list[ColumnElement[Any]]:
    """By the field, unknown last, ties by id; the index on ``created_at`` serves both ways."""
    columns = [comparable_column(sort.field), track.c.id]
    ordered: list[ColumnElement[Any]] = [column.desc() if sort.descending else column.asc() for column in columns]
    if columns[0].nullable:
        ordered[0] = ordered[0].nulls_last()
    return ordered


def _after(cursor: Cursor) -> ColumnElement[bool]:
    """Rows behind the cursor, in the order of ``_order``."""
    column, identity = comparable_column(cursor.sort.field), track.c.id
    later_id = identity < cursor.id if cursor.sort.descending else identity > cursor.id
    if cursor.value is None:
        return and_(column.is_(None), later_id)
    here = tuple_(column, identity)
    bound = tuple_(cursor.value, cursor.id, types=[column.type, identity.type])
    later = here < bound if cursor.sort.descending else here > bound
    return or_(later, column.is_(None)) if column.nullable else later


def _cursor_at(row: Any, sort: Sort) -> Cursor:  # noqa: ANN401 (a row has the columns of its query)
    return Cursor(sort, getattr(row, comparable_column(sort.field).name), row.id)
