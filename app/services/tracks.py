"""Changing and removing what is in the catalogue."""

from collections.abc import Mapping
from typing import Any

import structlog

from app.database import Database, Transaction
from app.domain import ChangeKind, Track, TrackKind
from app.errors import NotFound, SoundkinError
from app.ports import AudioStore
from app.services.ingest import merge

log = structlog.get_logger(__name__)


def find(tx: Transaction, library_id: str, track_id: str, kind: TrackKind) -> Track:
    """Return the track or clip. Raises ``NotFound``, also for a clip where a track is asked for and vice versa."""
    track = tx.catalogue.track(library_id, track_id)
    if track.kind is not kind:
        raise NotFound(f"There is no {kind} {track_id} in this library.")
    return track


class TrackService:
    """Edits and removals, each with its row in the change log."""

    def __init__(self, database: Database, store: AudioStore) -> None:
        self._database = database
        self._store = store

    def edit(self, library_id: str, track_id: str, declared: Mapping[str, Any]) -> Track:
        """Set the metadata fields that are given and keep the others."""
        with self._database.transaction() as tx:
            track = find(tx, library_id, track_id, TrackKind.TRACK)
            metadata = merge(track.metadata, declared)
            track = tx.catalogue.update_metadata(library_id, track_id, metadata)
            tx.changes.append(library_id, ChangeKind.TRACK_UPDATED, track.id, track.number)
        return track

    def remove(self, library_id: str, track_id: str, kind: TrackKind) -> None:
        """Remove it with vectors, jobs and index entry, and then its audio."""
        with self._database.transaction() as tx:
            find(tx, library_id, track_id, kind)
            track = tx.catalogue.delete_track(library_id, track_id)
            tx.changes.append(library_id, ChangeKind.TRACK_DELETED, track.id, track.number)
        self._drop_audio(track)

    def _drop_audio(self, track: Track) -> None:
        """Delete the bytes; the row is gone already, so a store that is away leaves an orphan and no error."""
        if track.audio.key is None:
            return
        try:
            self._store.delete(track.audio.key)
        except SoundkinError as error:
            log.warning("orphaned audio", key=track.audio.key, error=str(error))
