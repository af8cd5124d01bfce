"""Tracks and clips in SQL."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)

from app.adapters.checked_filter import comparable_text
from app.adapters.listing import Cursor, Sort, check_text
from app.adapters.rows import (
    METADATA,
    Values,
    analysis_values,
    folded_tags,
    metadata_from_row,
    metadata_values,
    track_from_row,
    track_values,
)
from app.adapters.sql_engine import insert_into, only_reads
from app.adapters.sql_filters import comparable_column, compile_filter, is_indexed
from app.adapters.sql_tag_counts import SqlTagCounts
from app.adapters.storable import is_id, storable_analysis, storable_heard, storable_metadata, storable_track
from app.adapters.tables import brief_clip, embedding, job, track
from app.database import Numbers, Page
from app.domain import Analysis, JobState, Metadata, Track, TrackKind, TrackState, utc_now
from app.errors import Conflict, NotFound
from app.filters import Filter

CHUNK = 1000
"""How many values one statement lists."""

# Literals, not parameters: otherwise SQLite cannot tell that a partial index serves.
IS_TRACK = track.c.kind == literal_column("'track'")
_IS_CLIP = track.c.kind == literal_column("'clip'")
# Without the texts that are only compared: reading them takes as long as the rest.
_TRACKS = select(*(column for column in track.c if not column.name.endswith("_folded")))
_BY_ID = _TRACKS.where(track.c.id == bindparam("id"), track.c.library_id == bindparam("library_id"))
_BY_NUMBER = _TRACKS.where(track.c.number.in_(bindparam("numbers", expanding=True)))
_ARTISTS_BY_NUMBER = select(track.c.number, track.c.library_id, track.c.artist).where(
    track.c.number.in_(bindparam("numbers", expanding=True))
)
_UNHEARD = _TRACKS.where(text("NOT track.listened"), IS_TRACK, track.c.state == literal_column("'ready'")).order_by(
    track.c.number
)
_SAVE_HEARD = (
    update(track)
    .where(track.c.number == bindparam("of"))
    .values(heard_tags=bindparam("heard_tags"), all_tags_folded=bindparam("all_tags_folded"), listened=True)
)
_COUNTED = ("library_id", "kind", "all_tags_folded")
_SAID_AND_HEARD = [track.c[name] for name in ("number", *METADATA, "heard_tags", *_COUNTED)]
_NUMBERS = func.aggregate_strings(cast(track.c.number, Text), ",")
"""All in one text: Python takes longer for a row each than the database for finding them."""

_WORTH_A_SCAN = 2
"""So many filters without an index are asked together; of one alone a part may have one."""

_DELETE = delete(track).returning(*(track.c[name] for name in _COUNTED))
_SEARCHED = (track.c.title_folded, track.c.artist_folded, track.c.album_folded)


class SqlTracks:
    """The part of ``ports.Catalogue`` that is about tracks and clips."""

    def __init__(self, connection: Connection, tag_counts: SqlTagCounts) -> None:
        self._connection = connection
        self._tag_counts = tag_counts

    def add_track(self, new: Track) -> Track:
        insert = insert_into(self._connection, track).on_conflict_do_nothing().returning(track)
        row = self._connection.execute(insert, track_values(storable_track(new))).one_or_none()
        if row is None:
            raise Conflict(
                f"The library already has a track of these bytes (SHA-256 {new.audio.sha256}) or this id."
            )
        self._count(row, after=row.all_tags_folded)
        return track_from_row(row)

    def track(self, library_id: str, track_id: str, *, hold: bool = False) -> Track:
        row = None
        if is_id(track_id):
            query = _BY_ID.with_for_update(key_share=True) if hold else _BY_ID
            row = self._connection.execute(query, {"id": track_id, "library_id": library_id}).one_or_none()
        if row is None:
            raise not_found(track_id)
        return track_from_row(row)

    def track_by_sha256(self, library_id: str, sha256: str) -> Track | None:
        query = _TRACKS.where(track.c.library_id == library_id, track.c.sha256 == sha256, IS_TRACK)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else track_from_row(row)

    def tracks_by_number(self, library_id: str, numbers: Iterable[int]) -> dict[int, Track]:
        found: dict[int, Track] = {}
        for chunk in chunks(numbers):
            rows = self._connection.execute(_BY_NUMBER, {"numbers": chunk})
            found.update((row.number, track_from_row(row)) for row in rows if row.library_id == library_id)
        return found

    def artists_by_number(self, library_id: str, numbers: Iterable[int]) -> dict[int, str | None]:
        found: dict[int, str | None] = {}
        for chunk in chunks(numbers):
            rows = self._connection.execute(_ARTISTS_BY_NUMBER, {"numbers": chunk})
            found.update((row.number, row.artist) for row in rows if row.library_id == library_id)
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

    def allowed_numbers(self, library_id: str, where: Filter, among: Iterable[int] | None = None) -> Numbers:
        if among is None:
            query = self._catalogue(library_id, where).with_only_columns(_NUMBERS)
            return _ascending(self._connection.scalar(query))
        return np.array(
            [number for chunk in chunks(among) for number in self._allowed(library_id, where, chunk)], np.int64
        )

    def allowed_by_each(self, library_id: str, wheres: Sequence[Filter]) -> Sequence[Numbers]:
        together = [where for where in wheres if not is_indexed(where)]
        if len(together) < _WORTH_A_SCAN:
            return [self.allowed_numbers(library_id, where) for where in wheres]
        columns = [_NUMBERS.filter(compile_filter(each, self._connection.dialect.name)) for each in together]
        found = iter(self._connection.execute(self._catalogue(library_id, None).with_only_columns(*columns)).one())
        return [
            self.allowed_numbers(library_id, where) if is_indexed(where) else _ascending(next(found))
            for where in wheres
        ]

    def update_metadata(self, library_id: str, track_id: str, metadata: Metadata) -> Track:
        heard = self._held(track.c.id == track_id, track.c.library_id == library_id) if is_id(track_id) else ()
        for each in heard:
            values = metadata_values(storable_metadata(metadata), each.heard_tags)
            self._update(track_id, values)
            self._count(each, before=each.all_tags_folded, after=values["all_tags_folded"])
        return self.track(library_id, track_id)

    def save_heard(self, heard: Mapping[int, Mapping[str, float]]) -> Collection[int]:
        rows = [row for chunk in chunks(heard) for row in self._held(track.c.number.in_(chunk))]
        values = [_heard_values(row, storable_heard(heard[row.number])) for row in rows]
        if values:
            self._connection.execute(_SAVE_HEARD, values)
        tags = {row.number: now["all_tags_folded"] for row, now in zip(rows, values, strict=True)}
        changed = [row for row in rows if row.all_tags_folded != tags[row.number]]
        for row in changed:
            self._count(row, before=row.all_tags_folded, after=tags[row.number])
        return [row.number for row in changed]

    def forget_heard(self) -> None:
        self._connection.execute(update(track).values(listened=False))

    def unheard(self, limit: int = 100) -> Sequence[Track]:
        query = _UNHEARD.limit(limit)
        if not only_reads(self._connection):
            query = query.with_for_update(key_share=True, skip_locked=True)
        rows = self._connection.execute(query)
        return [track_from_row(row) for row in rows]

    def count_tags(self, library_id: str, limit: int = 200) -> Mapping[str, int]:
        return self._tag_counts.commonest(library_id, limit)

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
        for row in self._connection.execute(_DELETE.where(track.c.id == track_id)).all():
            self._count(row, before=row.all_tags_folded)
        return removed

    def expired_clips(self, now: datetime, limit: int = 100) -> Sequence[Track]:
        query = _expired(now).order_by(track.c.expires_at).limit(limit)
        return [track_from_row(row) for row in self._connection.execute(query)]

    def delete_expired_clip(self, library_id: str, clip_id: str, now: datetime) -> Track | None:
        is_this, has_job = track.c.id == clip_id, (job.c.subject == clip_id, job.c.library_id == library_id)
        # Held before it is looked at: a brief that is just being made holds it, too. Jobs first, as always.
        for query in (select(job.c.id).where(*has_job), select(track.c.id).where(is_this)):
            self._connection.execute(query.with_for_update()).all()
        query = _expired(now).where(is_this, track.c.library_id == library_id)
        found = self._connection.execute(query).one_or_none()
        return None if found is None else self.delete_track(library_id, clip_id)

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
            _TRACKS.where(IS_TRACK, track.c.state != TrackState.FAILED, track.c.audio_key.is_not(None))
            .where(present < len(set(encoder_ids)))
            .where(func.coalesce(newest.scalar_subquery(), JobState.DONE) == JobState.DONE)
            .order_by(track.c.number)
            .limit(limit)
        )
        return [track_from_row(row) for row in self._connection.execute(query)]

    def _catalogue(self, library_id: str, where: Filter | None) -> Select[tuple[int]]:
        query = select(track.c.number).where(track.c.library_id == library_id, IS_TRACK)
        return query if where is None else query.where(compile_filter(where, self._connection.dialect.name))

    def _allowed(self, library_id: str, where: Filter, numbers: Sequence[int]) -> Iterator[int]:
        """Yield those of a few numbers that a filter leaves, ascending.

        The library is compared here: SQLite, asked for numbers of a library, walks through all of the library.
        """
        query = select(track.c.number, track.c.library_id, IS_TRACK.label("is_track")).order_by(track.c.number)
        query = query.where(track.c.number.in_(numbers), compile_filter(where, self._connection.dialect.name))
        for row in self._connection.execute(query):
            if row.is_track and row.library_id == library_id:
                yield row.number

    def _held(self, *which: ColumnElement[bool]) -> Sequence[Row[Any]]:
        """What people say and encoders hear in some tracks, which nobody else can change before the commit."""
        query = select(*_SAID_AND_HEARD).where(*which).order_by(track.c.number).with_for_update(key_share=True)
        return self._connection.execute(query).all()

    def _count(self, row: Row[Any], *, before: Sequence[str] = (), after: Sequence[str] = ()) -> None:
        """Count which tags a row had and has, unless it is a clip."""
        if row.kind == TrackKind.TRACK:
            self._tag_counts.change(row.library_id, before, after)

    def _update(self, track_id: str, values: Values) -> None:
        changed = 0
        if is_id(track_id):
            statement = update(track).where(track.c.id == track_id).values(**values, updated_at=utc_now())
            changed = self._connection.execute(statement).rowcount
        if not changed:
            raise not_found(track_id)


def _expired(now: datetime) -> Select[Any]:
    wanted = exists().where(brief_clip.c.track_number == track.c.number)
    return _TRACKS.where(_IS_CLIP, track.c.expires_at <= now, ~wanted)


def _heard_values(row: Row[Any], heard: Mapping[str, float]) -> Values:
    return {"of": row.number, "heard_tags": heard, "all_tags_folded": folded_tags(metadata_from_row(row), heard)}


def _ascending(numbers: str | None) -> Numbers:
    return np.sort(np.fromstring(numbers, np.int64, sep=",")) if numbers else np.empty(0, np.int64)


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
