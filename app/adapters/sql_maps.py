"""Maps in SQL: arrays as bytes, whatever the machine, and what was found of clusters as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, bindparam, delete, select, update

from app.adapters.memory_maps import map_not_found
from app.adapters.rows import Values
from app.adapters.sql_engine import insert_into
from app.adapters.sql_tracks import IS_TRACK, chunks
from app.adapters.storable import is_id
from app.adapters.tables import embedding, layout, track
from app.catalogue_map import (
    CatalogueMap,
    Cluster,
    Clustering,
    ClusterScore,
    Drawing,
    MapRequest,
    MapTrack,
    Numbers,
)
from app.domain import Metadata, new_id, utc_now
from app.track_tags import all_tags

_HEAD: Select[Any] = select(
    layout.c.id,
    layout.c.library_id,
    layout.c.request,
    layout.c.encoder_id,
    layout.c.requested_at,
    layout.c.drawn_at,
)
_DRAWING: Select[Any] = select(
    layout.c.seq, layout.c.numbers, layout.c.positions, layout.c.clusters, layout.c.summary
)
_SHOWN: Select[Any] = (
    select(
        track.c.number,
        track.c.library_id,
        track.c.id,
        track.c.title,
        track.c.artist,
        track.c.tempo_bpm,
        track.c.key,
        track.c.tags,
        track.c.denied_tags,
        track.c.heard_tags,
        track.c.audio_key.is_not(None).label("has_audio"),
    )
    .where(IS_TRACK, track.c.number.in_(bindparam("numbers", expanding=True)))
    .order_by(track.c.number)
)


class SqlMaps:
    """Implements ``catalogue_map.Maps``."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, library_id: str, request: MapRequest, encoder_id: str) -> CatalogueMap:
        now = utc_now()
        values = {
            "id": new_id(),
            "library_id": library_id,
            "request": {"encoder": request.encoder, "weights": dict(request.weights)},
            "request_sha256": request.sha256,
            "encoder_id": encoder_id,
            "requested_at": now,
        }
        place = [layout.c.library_id, layout.c.request_sha256]
        inserting = insert_into(self._connection, layout)
        inserting = inserting.on_conflict_do_update(index_elements=place, set_={"requested_at": now})
        self._connection.execute(inserting, values)  # the row is this transaction's until it ends, new or not
        [row] = self._connection.execute(_of_request(library_id, request))
        return _map_from_row(row)

    def find(self, library_id: str, request: MapRequest) -> CatalogueMap | None:
        row = self._connection.execute(_of_request(library_id, request)).one_or_none()
        return None if row is None else _map_from_row(row)

    def map(self, library_id: str, map_id: str) -> CatalogueMap:
        row = None
        if is_id(map_id):
            query = _HEAD.where(layout.c.id == map_id, layout.c.library_id == library_id)
            row = self._connection.execute(query).one_or_none()
        if row is None:
            raise map_not_found(map_id)
        return _map_from_row(row)

    def maps(self, library_id: str) -> Sequence[CatalogueMap]:
        query = _HEAD.where(layout.c.library_id == library_id)
        rows = self._connection.execute(query.order_by(layout.c.requested_at.desc(), layout.c.id.desc()))
        return [_map_from_row(row) for row in rows]

    def drawing(self, map_id: str) -> Drawing | None:
        row = None
        if is_id(map_id):
            query = _DRAWING.where(layout.c.id == map_id, layout.c.seq.is_not(None))
            row = self._connection.execute(query).one_or_none()
        return None if row is None else _drawing_from_row(row)

    def save(self, map_id: str, encoder_id: str, drawing: Drawing) -> CatalogueMap:
        values = {"encoder_id": encoder_id, "drawn_at": utc_now(), **_drawing_values(drawing)}
        statement = update(layout).where(layout.c.id == map_id).values(**values).returning(*_HEAD.selected_columns)
        row = self._connection.execute(statement).one_or_none() if is_id(map_id) else None
        if row is None:
            raise map_not_found(map_id)
        return _map_from_row(row)

    def forget(self, map_id: str) -> None:
        if is_id(map_id):
            self._connection.execute(delete(layout).where(layout.c.id == map_id))

    def tracks(self, library_id: str, numbers: Iterable[int]) -> Sequence[MapTrack]:
        found = (self._connection.execute(_SHOWN, {"numbers": chunk}) for chunk in chunks(numbers))
        return [_track_from_row(row) for rows in found for row in rows if row.library_id == library_id]

    def embedded(self, library_id: str, encoder_id: str) -> Numbers:
        query = (
            select(embedding.c.track_number)
            .select_from(embedding.join(track))
            .where(embedding.c.encoder_id == encoder_id, track.c.library_id == library_id, IS_TRACK)
            .order_by(embedding.c.track_number)
        )
        return np.fromiter(self._connection.scalars(query), np.int64)


def _of_request(library_id: str, request: MapRequest) -> Select[Any]:
    return _HEAD.where(layout.c.library_id == library_id, layout.c.request_sha256 == request.sha256)


def _map_from_row(row: Row[Any]) -> CatalogueMap:
    request = MapRequest(row.request["encoder"], row.request["weights"])
    return CatalogueMap(row.id, row.library_id, request, row.encoder_id, row.requested_at, row.drawn_at)


def _track_from_row(row: Row[Any]) -> MapTrack:
    said = Metadata(tags=tuple(row.tags), denied_tags=tuple(row.denied_tags))
    tags = tuple(each.tag for each in all_tags(said, row.heard_tags))
    return MapTrack(row.number, row.id, row.title, row.artist, row.tempo_bpm, row.key, tags, row.has_audio)


def _drawing_values(drawing: Drawing) -> Values:
    return {
        "seq": drawing.seq,
        "numbers": drawing.numbers.astype("<i8").tobytes(),
        "positions": drawing.positions.astype("<f4").tobytes(),
        "clusters": drawing.clusters.astype("<i2").tobytes(),
        "summary": {
            "method": drawing.clustering.method,
            "clusters": [asdict(cluster) for cluster in drawing.clustering.clusters],
            "scores": [asdict(score) for score in drawing.clustering.scores],
            "left_out": drawing.left_out,
        },
    }


def _drawing_from_row(row: Row[Any]) -> Drawing:
    summary: Mapping[str, Any] = row.summary
    return Drawing(
        numbers=np.frombuffer(row.numbers, "<i8").astype(np.int64),
        positions=np.frombuffer(row.positions, "<f4").astype(np.float32).reshape(-1, 2),
        clusters=np.frombuffer(row.clusters, "<i2").astype(np.int16),
        clustering=Clustering(
            summary["method"],
            [Cluster(**cluster) for cluster in summary["clusters"]],
            [ClusterScore(**score) for score in summary["scores"]],
        ),
        seq=row.seq,
        left_out=summary["left_out"],
    )
