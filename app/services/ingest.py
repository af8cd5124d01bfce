"""From received bytes to a track with its job: nothing is acknowledged before both are stored."""

import dataclasses
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath
from typing import Any

import structlog

from app.database import Database, Transaction
from app.domain import (
    ChangeKind,
    Job,
    JobKind,
    Metadata,
    Priority,
    StoredAudio,
    Track,
    TrackKind,
    TrackState,
    new_id,
    utc_now,
)
from app.errors import Conflict, DatabaseUnavailable, NotFound, QueueFull, SoundkinError
from app.ports import AudioProbe, AudioStore, AudioWriter, Doorbell, Probe
from app.track_tags import without

log = structlog.get_logger(__name__)

WAITING = {
    TrackKind.TRACK: (Priority.INTERACTIVE + 1, Priority.UPLOAD),
    TrackKind.CLIP: (Priority.INTERACTIVE, Priority.INTERACTIVE),
}
"""From which to which priority jobs count as waiting. What is done in the background keeps nobody waiting."""

RETRY_AFTER_S = {TrackKind.TRACK: 30.0, TrackKind.CLIP: 5.0}
"""What a caller is told to wait when the queue is full; workers clear clips first and quickly."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """How many jobs may wait before uploads are turned away."""

    tracks: int
    clips: int


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes that have arrived whole, still under their temporary name in ``writer``."""

    writer: AudioWriter
    sha256: str
    size_bytes: int
    filename: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where the bytes belong: the library, and the request that brought them."""

    library_id: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an upload led to. ``created`` is false when the same bytes were there already."""

    track: Track
    job: Job | None
    created: bool


class IngestService:
    """Takes in audio. Every method is safe to call from several threads at once."""

    def __init__(
        self, database: Database, store: AudioStore, probe: AudioProbe, doorbell: Doorbell, limits: QueueLimits
    ) -> None:
        self._database = database
        self._store = store
        self._probe = probe
        self._doorbell = doorbell
        self._limits = limits
        self._unsettled: dict[str, Track] = {}
        self._unsettled_lock = threading.Lock()

    def admit(self, kind: TrackKind) -> None:
        """Raise ``QueueFull`` when too many jobs of this kind wait; asked before any byte is read."""
        limit = self._limits.clips if kind is TrackKind.CLIP else self._limits.tracks
        lowest, highest = WAITING[kind]
        with self._database.transaction(read_only=True) as tx:
            waiting = tx.queue.count_waiting(min_priority=lowest, max_priority=highest)
        if waiting >= limit:
            raise QueueFull(
                f"{waiting} jobs wait already and the limit is {limit}. Try again in {RETRY_AFTER_S[kind]:.0f} s, "
                "or start more workers.",
                retry_after_s=RETRY_AFTER_S[kind],
            )

    def add_track(self, arrival: Arrival, received: Received, declared: Mapping[str, Any]) -> Ingested:
        """Add a track to the catalogue, or return the one that has the same bytes.

        Args:
            arrival: Whose track, brought by which request.
            received: The bytes.
            declared: Fields of ``Metadata`` that the caller set; they go before the tags in the file.

        Raises:
            AudioRefused: The bytes are not usable audio.
        """
        there = self._same_bytes(arrival, received)
        if there is not None:
            return there
        probe = self._probe.probe(received.writer.local_path())
        metadata = _titled(merge(probe.metadata, declared), received.filename)
        track = _new_track(TrackKind.TRACK, arrival, received, probe, metadata)
        try:
            return self._store_and_enqueue(track, received.writer, arrival)
        except Conflict:
            # Another upload of the same bytes committed first; ours has left no trace.
            there = self._same_bytes(arrival, received)
            if there is None:
                raise
            return there

    def add_clip(self, arrival: Arrival, received: Received, *, ttl_s: float, keep_audio: bool) -> Ingested:
        """Add a query clip that is deleted after ``ttl_s`` seconds. Raises ``AudioRefused``."""
        probe = self._probe.probe(received.writer.local_path())
        clip = dataclasses.replace(
            _new_track(TrackKind.CLIP, arrival, received, probe, probe.metadata),
            expires_at=utc_now() + timedelta(seconds=ttl_s),
            keep_audio=keep_audio,
        )
        return self._store_and_enqueue(clip, received.writer, arrival)

    def settle(self) -> None:
        """Delete audio whose track, after a failed commit of unknown outcome, turns out not to be stored."""
        with self._unsettled_lock:
            waiting = list(self._unsettled.values())
        for track in waiting:
            if self._stored(track) is None:
                self._drop_audio(track)
            with self._unsettled_lock:
                self._unsettled.pop(track.id, None)

    def _same_bytes(self, arrival: Arrival, received: Received) -> Ingested | None:
        with self._database.transaction(read_only=True) as tx:
            track = tx.catalogue.track_by_sha256(arrival.library_id, received.sha256)
            if track is None:
                return None
            job = latest_job(tx, track)
            if track.state is TrackState.READY or (job is not None and not job.state.is_final):
                return Ingested(track, job, created=False)
        return self._revive(track, received.writer, arrival)

    def _revive(self, track: Track, writer: AudioWriter, arrival: Arrival) -> Ingested:
        """Give a track whose embedding was given up a fresh job, and its bytes again if they were lost."""
        lost = not self._has_audio(track)
        key = _audio_key(new_id()) if lost else track.audio.key
        if lost and key is not None:
            writer.commit(key)
        with self._database.transaction() as tx:
            if lost:
                tx.catalogue.set_audio_key(track.id, key)
            tx.catalogue.set_state(track.id, TrackState.PENDING)
            tx.changes.append(track.library_id, ChangeKind.TRACK_UPDATED, track.id, track.number)
            job = _enqueue(tx, track, arrival)
            track = tx.catalogue.track(track.library_id, track.id)
        self._doorbell.ring()
        return Ingested(track, job, created=False)

    def _has_audio(self, track: Track) -> bool:
        if track.audio.key is None:
            return False
        try:
            return self._store.size(track.audio.key) == track.audio.size_bytes
        except NotFound:
            return False

    def _store_and_enqueue(self, track: Track, writer: AudioWriter, arrival: Arrival) -> Ingested:
        writer.commit(_audio_key(track.id))
        try:
            ingested = self._enqueue_new(track, arrival)
        except DatabaseUnavailable:
            ingested = self._after_unknown_outcome(track)
        except BaseException:
            self._drop_audio(track)
            raise
        self._doorbell.ring()
        return ingested

    def _enqueue_new(self, track: Track, arrival: Arrival) -> Ingested:
        with self._database.transaction() as tx:
            track = tx.catalogue.add_track(track)
            tx.changes.append(track.library_id, ChangeKind.TRACK_ADDED, track.id, track.number)
            return Ingested(track, _enqueue(tx, track, arrival), created=True)

    def _after_unknown_outcome(self, track: Track) -> Ingested:
        """Find out whether a commit whose answer was lost took place; without a database, note to look later."""
        try:
            stored = self._stored(track)
        except DatabaseUnavailable:
            with self._unsettled_lock:
                self._unsettled[track.id] = track
            raise
        if stored is None:
            self._drop_audio(track)
            raise DatabaseUnavailable("The database went away while the upload was stored. Send it again.")
        return stored

    def _stored(self, track: Track) -> Ingested | None:
        with self._database.transaction(read_only=True) as tx, suppress(NotFound):
            stored = tx.catalogue.track(track.library_id, track.id)
            return Ingested(stored, latest_job(tx, stored), created=True)
        return None

    def _drop_audio(self, track: Track) -> None:
        try:
            self._store.delete(_audio_key(track.id))
        except SoundkinError as error:
            log.warning("orphaned audio", key=_audio_key(track.id), error=str(error))


def merge(embedded: Metadata, declared: Mapping[str, Any]) -> Metadata:
    """Lay what a caller declared over what is there; ``extra`` is merged key by key.

    Of a tag that is the track's own and denied too, what is declared holds: the other goes.
    """
    fields = dict(declared)
    if "extra" in fields:
        fields["extra"] = {**embedded.extra, **(fields["extra"] or {})}
    if "tags" in fields:
        fields["tags"] = tuple(fields["tags"] or ())
        fields.setdefault("denied_tags", without(embedded.denied_tags, fields["tags"]))
    if "denied_tags" in fields:
        fields["denied_tags"] = tuple(fields["denied_tags"] or ())
        fields.setdefault("tags", without(embedded.tags, fields["denied_tags"]))
    return dataclasses.replace(embedded, **fields)


def _titled(metadata: Metadata, filename: str) -> Metadata:
    """Name an untitled track by its file, as players do: people look for it by that name."""
    return dataclasses.replace(metadata, title=metadata.title or PurePath(filename).stem or None)


def latest_job(tx: Transaction, track: Track) -> Job | None:
    """Return the newest job about a track or clip."""
    jobs, _ = tx.queue.jobs(track.library_id, subject=track.id, limit=1)
    return jobs[0] if jobs else None


def _audio_key(track_id: str) -> str:
    """Where a track's bytes are kept: by id, so that no two tracks share them; the id's end spreads folders."""
    return f"{track_id[-2:]}/{track_id}"


def _new_track(kind: TrackKind, arrival: Arrival, received: Received, probe: Probe, metadata: Metadata) -> Track:
    track_id = new_id()
    return Track(
        id=track_id,
        library_id=arrival.library_id,
        kind=kind,
        metadata=metadata,
        audio=StoredAudio(
            key=_audio_key(track_id),
            sha256=received.sha256,
            size_bytes=received.size_bytes,
            content_type=probe.content_type,
            filename=received.filename,
        ),
    )


def _enqueue(tx: Transaction, track: Track, arrival: Arrival) -> Job:
    clip = track.kind is TrackKind.CLIP
    return tx.queue.enqueue(
        Job(
            id=new_id(),
            library_id=track.library_id,
            kind=JobKind.EMBED_CLIP if clip else JobKind.EMBED_TRACK,
            subject=track.id,
            priority=Priority.INTERACTIVE if clip else Priority.UPLOAD,
            request_id=arrival.request_id,
        )
    )
