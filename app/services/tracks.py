"""Changing and removing what is in the catalogue."""

from collections.abc import Mapping
from typing import Any

import structlog

from app.database import Database, Transaction
from app.domain import ChangeKind, Track, TrackKind, utc_now
from app.errors import NotFound, SoundkinError
from app.ports import AudioStore
from app.services.ingest import merge

log = structlog.get_logger(__name__)


def find(tx: Transaction, library_id: str, track_id: str, kind: TrackKind, *, hold: bool = False) -> Track:
    """Return the track or clip, held for a change if asked to.

    Raises:
        NotFound: Also for a clip where a track is asked for and vice versa.
    """
    track = tx.catalogue.track(library_id, track_id, hold=hold)
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
            track = find(tx, library_id, track_id, TrackKind.TRACK, hold=True)
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

    def remove_expired(self, clip: Track) -> bool:
        """Remove a clip whose time is over, unless somebody has begun to refer to it; return whether it was."""
        with self._database.transaction() as tx:
            removed = tx.catalogue.delete_expired_clip(clip.library_id, clip.id, utc_now())
            if removed is None:
                return False
            tx.changes.append(removed.library_id, ChangeKind.TRACK_DELETED, removed.id, removed.number)
        self._drop_audio(removed)
        return True

    def _drop_audio(self, track: Track) -> None:
        """Delete the bytes; the row is gone already, so a store that is away leaves an orphan and no error."""
        if track.audio.key is None:
            return
        try:
            self._store.delete(track.audio.key)
        except SoundkinError as error:
            log.warning("orphaned audio", key=track.audio.key, error=str(error))
