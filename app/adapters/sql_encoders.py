"""Encoders and what workers made in SQL: vectors, segments, pictures of the sound, calibrations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, Table, bindparam, func, select, update

from app.adapters.rows import (
    Values,
    calibration_from_row,
    calibration_values,
    embedding_from_row,
    encoder_from_row,
    encoder_values,
    segment_bytes,
    tag_directions_values,
    vector_bytes,
    vectors_from_bytes,
)
from app.adapters.sql_engine import insert_into
from app.adapters.sql_tracks import IS_TRACK, chunks, not_found
from app.adapters.storable import is_id, no_waveform, storable_embedding
from app.adapters.tables import calibration, embedding, encoder, library, segment, tag_directions, track, waveform
from app.database import Numbers
from app.domain import DEFAULT_LIBRARY, Calibration, Embedding, EncoderInfo, EncoderState, Vectors
from app.errors import NotEmbedded, NotFound

_OF_ENCODER = embedding.c.encoder_id == bindparam("encoder_id")
_OF_NUMBERS = embedding.c.track_number.in_(bindparam("numbers", expanding=True))

_EMBEDDINGS: Select[Any] = (
    select(
        embedding.c.track_number, embedding.c.encoder_id, embedding.c.vector, segment.c.spans_s, segment.c.vectors
    )
    .select_from(
        embedding.join(
            segment,
            (segment.c.track_number == embedding.c.track_number) & (segment.c.encoder_id == embedding.c.encoder_id),
        )
    )
    .where(_OF_ENCODER)
)
_EMBEDDINGS_BY_NUMBER: Select[Any] = _EMBEDDINGS.where(_OF_NUMBERS)
_EMBEDDING_OF_TRACK: Select[Any] = _EMBEDDINGS.join(track, track.c.number == embedding.c.track_number).where(
    track.c.id == bindparam("track_id")
)
_VECTORS: Select[Any] = (
    select(embedding.c.track_number, embedding.c.vector)
    .select_from(embedding.join(track))
    .where(_OF_ENCODER, IS_TRACK)
    .order_by(embedding.c.track_number)
)
_VECTORS_BY_NUMBER: Select[Any] = _VECTORS.where(_OF_NUMBERS)
"""Statements are put together once: that takes longer than some of them."""


class SqlEncoders:
    """The part of ``ports.Catalogue`` that is about encoders and vectors."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def announce_encoder(self, brought: EncoderInfo) -> EncoderInfo:
        known = self._same_as(brought)
        if known is None or _lacks(known, brought):
            self._lock_encoders()
            known = self._same_as(brought)
        if known is not None:
            return self._complete(known, brought)
        others = self.encoders()
        ready = not any(each.name == brought.name and each.state is EncoderState.READY for each in others)
        new = replace(brought, state=EncoderState.READY if ready else EncoderState.SHADOW, is_default=not others)
        self._connection.execute(encoder.insert().values(encoder_values(new)))
        self._save_tags(new)
        return new

    def encoders(self) -> Sequence[EncoderInfo]:
        return self._read(select(encoder).order_by(encoder.c.id))

    def promote_encoder(self, encoder_id: str, *, default: bool) -> None:
        self._lock_encoders()
        chosen = self._encoder(encoder_id)
        rivals = [each for each in self.encoders() if each.name == chosen.name and each.state is EncoderState.READY]
        default = default or chosen.is_default or any(rival.is_default for rival in rivals)
        if default:
            self._connection.execute(update(encoder).values(is_default=False))
        for rival in rivals:
            self._update_encoder(rival.id, {"state": EncoderState.RETIRED})
        self._update_encoder(encoder_id, {"state": EncoderState.READY, "is_default": default})

    def save_embedding(self, track_id: str, made: Embedding) -> None:
        stored = storable_embedding(made, self._encoder(made.encoder_id))
        place = {"track_number": self._hold_track(track_id), "encoder_id": made.encoder_id}
        self._put(embedding, place, {"vector": vector_bytes(stored.vector)})
        self._put(
            segment,
            place,
            {"spans_s": vector_bytes(stored.segment_spans_s), "vectors": segment_bytes(stored.segment_vectors)},
        )

    def save_waveform(self, track_id: str, peaks: bytes) -> None:
        self._put(waveform, {"track_number": self._hold_track(track_id)}, {"peaks": peaks})

    def waveform(self, track_id: str) -> bytes:
        peaks: bytes | None = None
        if is_id(track_id):
            query = select(waveform.c.peaks).join(track).where(track.c.id == track_id)
            peaks = self._connection.execute(query).scalar_one_or_none()
        if peaks is None:
            raise no_waveform(track_id)
        return peaks

    def embedding(self, track_id: str, encoder_id: str) -> Embedding:
        row = None
        if is_id(track_id) and is_id(encoder_id):
            place = {"encoder_id": encoder_id, "track_id": track_id}
            row = self._connection.execute(_EMBEDDING_OF_TRACK, place).one_or_none()
        if row is None:
            raise NotEmbedded(
                f"Track {track_id!r:.80} has no vectors of encoder {encoder_id!r:.80} (yet): wait for its job."
            )
        return embedding_from_row(row)

    def embeddings_by_number(self, encoder_id: str, numbers: Iterable[int]) -> dict[int, Embedding]:
        found: dict[int, Embedding] = {}
        for chunk in chunks(numbers):
            rows = self._connection.execute(_EMBEDDINGS_BY_NUMBER, {"encoder_id": encoder_id, "numbers": chunk})
            found |= {row.track_number: embedding_from_row(row) for row in rows}
        return found

    def vectors(self, encoder_id: str, numbers: Iterable[int]) -> tuple[Numbers, Vectors]:
        dimension = self._encoder(encoder_id).dimension
        found: list[Row[tuple[int, bytes]]] = []
        for chunk in chunks(numbers):
            place = {"encoder_id": encoder_id, "numbers": chunk}
            found.extend(self._connection.execute(_VECTORS_BY_NUMBER, place).all())
        return _arrays(found, dimension)

    def all_vectors(
        self, library_id: str, encoder_id: str, *, batch: int = 4096
    ) -> Iterator[tuple[Numbers, Vectors]]:
        dimension = self._encoder(encoder_id).dimension
        query = _VECTORS.where(track.c.library_id == library_id).limit(batch)
        last, place = 0, {"encoder_id": encoder_id}
        while rows := self._connection.execute(query.where(embedding.c.track_number > last), place).all():
            numbers, vectors = _arrays(rows, dimension)
            yield numbers, vectors
            last = int(numbers[-1])

    def count_embedded(self, library_id: str, encoder_id: str) -> int:
        query = (
            select(func.count())
            .select_from(embedding.join(track))
            .where(embedding.c.encoder_id == encoder_id, track.c.library_id == library_id, IS_TRACK)
        )
        return self._connection.execute(query).scalar_one()

    def save_calibration(self, measured: Calibration) -> None:
        values = calibration_values(measured)
        place = {name: values[name] for name in ("library_id", "encoder_id")}
        self._put(calibration, place, {name: value for name, value in values.items() if name not in place})

    def calibration(self, library_id: str, encoder_id: str) -> Calibration | None:
        query = select(calibration).where(
            calibration.c.library_id == library_id, calibration.c.encoder_id == encoder_id
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else calibration_from_row(row)

    def _encoder(self, encoder_id: str) -> EncoderInfo:
        found = self._read(select(encoder).where(encoder.c.id == encoder_id)) if is_id(encoder_id) else ()
        if not found:
            raise NotFound(f"There is no encoder {encoder_id!r:.80}: a worker announces it when it starts.")
        return found[0]

    def _same_as(self, brought: EncoderInfo) -> EncoderInfo | None:
        query = select(encoder).where(encoder.c.name == brought.name, encoder.c.digest == brought.digest)
        return next(iter(self._read(query)), None)

    def _read(self, query: Select[Any]) -> list[EncoderInfo]:
        """The encoders of some whole rows, with their tags."""
        rows = self._connection.execute(query).all()
        chosen = tag_directions.c.encoder_id.in_([row.id for row in rows])
        by_encoder: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for row in self._connection.execute(select(tag_directions).where(chosen).order_by(tag_directions.c.space)):
            by_encoder[row.encoder_id].append(row)
        return [encoder_from_row(row, by_encoder[row.id]) for row in rows]

    def _complete(self, known: EncoderInfo, brought: EncoderInfo) -> EncoderInfo:
        """Add what a database made by an older version does not have: where tags point, what components mean."""
        if not _lacks(known, brought):
            return known
        complete = replace(known, tags=brought.tags, components=brought.components)
        values = encoder_values(complete)
        self._update_encoder(known.id, {name: values[name] for name in ("tags", "components")})
        self._connection.execute(tag_directions.delete().where(tag_directions.c.encoder_id == known.id))
        self._save_tags(complete)
        return complete

    def _save_tags(self, known: EncoderInfo) -> None:
        if known.tags:
            self._connection.execute(tag_directions.insert(), tag_directions_values(known))

    def _lock_encoders(self) -> None:
        """Let one transaction at a time decide over states: a row that every database has stands for them all."""
        query = select(library.c.id).where(library.c.id == DEFAULT_LIBRARY).with_for_update(key_share=True)
        self._connection.execute(query)

    def _update_encoder(self, encoder_id: str, values: Values) -> None:
        self._connection.execute(update(encoder).where(encoder.c.id == encoder_id).values(**values))

    def _hold_track(self, track_id: str) -> int:
        """Return the track's number, and keep others from deleting it before the commit."""
        number: int | None = None
        if is_id(track_id):
            query = select(track.c.number).where(track.c.id == track_id)
            number = self._connection.execute(query.with_for_update(read=True, key_share=True)).scalar_one_or_none()
        if number is None:
            raise not_found(track_id)
        return number

    def _put(self, table: Table, place: Values, values: Values) -> None:
        """Insert, or replace what stands in that place."""
        insert = insert_into(self._connection, table)
        taken = {name: insert.excluded[name] for name in values}
        statement = insert.on_conflict_do_update(index_elements=list(place), set_=taken)
        self._connection.execute(statement, {**place, **values})


def _lacks(known: EncoderInfo, brought: EncoderInfo) -> bool:
    return known.tags != brought.tags or known.components != brought.components


def _arrays(rows: Sequence[Row[tuple[int, bytes]]], dimension: int) -> tuple[Numbers, Vectors]:
    numbers = np.array([row.track_number for row in rows], np.int64)
    return numbers, vectors_from_bytes([row.vector for row in rows], dimension)
