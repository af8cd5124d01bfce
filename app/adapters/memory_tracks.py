"""Tracks and clips in memory."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from app.adapters.checked_filter import checked_filter, comparable_text
from app.adapters.listing import Cursor, Sort, check_text
from app.adapters.memory_filters import comparable_values, holds
from app.adapters.memory_state import MemoryState
from app.adapters.storable import storable_analysis, storable_heard, storable_metadata, storable_track
from app.database import Numbers, Page
from app.domain import Analysis, JobState, Metadata, Track, TrackKind, TrackState
from app.errors import Conflict, NotFound
from app.filters import AllOf, Filter

SEARCHED = ("title", "artist", "album")


class MemoryTracks:
    """The part of ``ports.Catalogue`` that is about tracks and clips."""

    def __init__(self, state: MemoryState, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock

    def add_track(self, new: Track) -> Track:
        if new.library_id not in self._state.libraries:
            raise Conflict(f"There is no library {new.library_id}.")
        twin = new.kind is TrackKind.TRACK and self.track_by_sha256(new.library_id, new.audio.sha256)
        if twin or new.id in self._state.tracks:
            raise Conflict(
                f"The library already has a track of these bytes (SHA-256 {new.audio.sha256}) or this id."
            )
        self._state.last_number += 1
        stored = replace(storable_track(new), number=self._state.last_number)
        self._state.tracks[new.id] = stored
        return stored

    def track(self, library_id: str, track_id: str, *, hold: bool = False) -> Track:
        del hold  # one transaction at a time
        track = self._state.tracks.get(track_id)
        if track is None or track.library_id != library_id:
            raise not_found(track_id)
        return track

    def track_by_sha256(self, library_id: str, sha256: str) -> Track | None:
        return next((track for track in self._catalogue(library_id) if track.audio.sha256 == sha256), None)

    def tracks_by_number(self, library_id: str, numbers: Iterable[int]) -> dict[int, Track]:
        wanted = set(numbers)
        return {
            track.number: track
            for track in self._state.tracks.values()
            if track.library_id == library_id and track.number in wanted
        }

    def artists_by_number(self, library_id: str, numbers: Iterable[int]) -> dict[int, str | None]:
        tracks = self.tracks_by_number(library_id, numbers)
        return {number: track.metadata.artist for number, track in tracks.items()}

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
        check_text(text or "")
        found = [
            track
            for track in self._catalogue(library_id, where)
            if state in {None, track.state} and (not text or _contains(track, text))
        ]
        found.sort(key=lambda track: _place(_cursor_at(track, order)), reverse=order.descending)
        if cursor is not None:
            last = _place(Cursor.decode(cursor, order))
            found = [track for track in found if _is_behind(_place(_cursor_at(track, order)), last, order)]
        more = len(found) > limit
        return Page(found[:limit], _cursor_at(found[limit - 1], order).encode() if more else None)

    def allowed_numbers(self, library_id: str, where: Filter, among: Iterable[int] | None = None) -> Numbers:
        allowed = np.array([track.number for track in self._catalogue(library_id, where)], np.int64)
        return allowed if among is None else np.intersect1d(allowed, np.fromiter(among, np.int64))

    def allowed_by_each(self, library_id: str, wheres: Sequence[Filter]) -> Sequence[Numbers]:
        return [self.allowed_numbers(library_id, where) for where in wheres]

    def update_metadata(self, library_id: str, track_id: str, metadata: Metadata) -> Track:
        self.track(library_id, track_id)
        return self._update(track_id, metadata=storable_metadata(metadata))

    def save_heard(self, heard: Mapping[int, Mapping[str, float]]) -> Collection[int]:
        changed = []
        for known in [track for track in self._state.tracks.values() if track.number in heard]:
            now = replace(known, heard=storable_heard(heard[known.number]))
            self._state.tracks[known.id] = now
            self._state.listened[known.id] = True
            if comparable_values(now, "all_tags") != comparable_values(known, "all_tags"):
                changed.append(known.number)
        return changed

    def forget_heard(self) -> None:
        self._state.listened.clear()

    def unheard(self, limit: int = 100) -> Sequence[Track]:
        found = [
            track
            for track in self._state.tracks.values()
            if track.id not in self._state.listened
            and track.kind is TrackKind.TRACK
            and track.state is TrackState.READY
        ]
        return found[:limit]

    def count_tags(self, library_id: str, limit: int = 200) -> Mapping[str, int]:
        tags = [tag for track in self._catalogue(library_id) for tag in comparable_values(track, "all_tags")]
        counted = sorted(Counter(map(str, tags)).items(), key=lambda pair: (-pair[1], pair[0]))
        return dict(counted[:limit])

    def set_state(self, track_id: str, state: TrackState) -> None:
        self._update(track_id, state=state)

    def set_audio_key(self, track_id: str, key: str | None) -> None:
        self._update(track_id, audio=replace(self._track(track_id).audio, key=key))

    def save_analysis(self, track_id: str, analysis: Analysis) -> None:
        self._update(track_id, analysis=storable_analysis(analysis))

    def delete_track(self, library_id: str, track_id: str) -> Track:
        removed = self.track(library_id, track_id)
        del self._state.tracks[track_id]
        self._state.waveforms.pop(track_id, None)
        self._state.listened.pop(track_id, None)
        for place in [place for place in self._state.embeddings if place[0] == track_id]:
            del self._state.embeddings[place]
        for job in [job for job in self._state.jobs.values() if job.subject == track_id]:
            del self._state.jobs[job.id]
        for rows in (self._state.brief_matches, self._state.decisions):
            for row in [row for row in rows if row[1] == removed.number]:
                del rows[row]
        return removed

    def expired_clips(self, now: datetime, limit: int = 100) -> Sequence[Track]:
        wanted = {(brief.library_id, clip) for brief in self._state.briefs.values() for clip in brief.references()}
        clips = [
            track
            for track in self._state.tracks.values()
            if track.kind is TrackKind.CLIP and track.expires_at is not None and track.expires_at <= now
            if (track.library_id, track.id) not in wanted
        ]
        return sorted(clips, key=lambda clip: clip.expires_at or now)[:limit]

    def delete_expired_clip(self, library_id: str, clip_id: str, now: datetime) -> Track | None:
        expired = {(clip.library_id, clip.id) for clip in self.expired_clips(now, len(self._state.tracks))}
        return self.delete_track(library_id, clip_id) if (library_id, clip_id) in expired else None

    def count_tracks(self, library_id: str) -> Mapping[TrackState, int]:
        states = [track.state for track in self._catalogue(library_id)]
        return {state: states.count(state) for state in TrackState}

    def tracks_without_vectors(self, encoder_ids: Sequence[str], limit: int = 100) -> Sequence[Track]:
        newest = {job.subject: job.state for job in sorted(self._state.jobs.values(), key=lambda job: job.id)}
        unfinished = {subject for subject, state in newest.items() if state is not JobState.DONE}
        lacking = [
            track
            for track in self._state.tracks.values()
            if track.kind is TrackKind.TRACK
            and track.state is not TrackState.FAILED
            and track.audio.key is not None
            and track.id not in unfinished
            and any((track.id, encoder_id) not in self._state.embeddings for encoder_id in encoder_ids)
        ]
        return lacking[:limit]

    def _catalogue(self, library_id: str, where: Filter | None = None) -> list[Track]:
        """Tracks of the library, no clips, ascending by number."""
        checked = checked_filter(AllOf([]) if where is None else where)
        return [
            track
            for track in self._state.tracks.values()
            if track.library_id == library_id and track.kind is TrackKind.TRACK and holds(checked, track)
        ]

    def _track(self, track_id: str) -> Track:
        if track_id not in self._state.tracks:
            raise not_found(track_id)
        return self._state.tracks[track_id]

    def _update(self, track_id: str, **values: Any) -> Track:  # noqa: ANN401 (fields of Track)
        changed = replace(self._track(track_id), **values, updated_at=self._clock())
        self._state.tracks[track_id] = changed
        return changed


def not_found(track_id: str) -> NotFound:
    """Return the error for a track that is not there."""
    return NotFound(f"There is no track or clip {track_id!r:.80} in this library.")


def _contains(track: Track, text: str) -> bool:
    wanted = comparable_text(text)
    return any(wanted in str(value) for field in SEARCHED for value in comparable_values(track, field))


def _cursor_at(track: Track, sort: Sort) -> Cursor:
    return Cursor(sort, next(iter(comparable_values(track, sort.field)), None), track.id)


def _place(cursor: Cursor) -> tuple[bool, Any, str]:
    """What a listing is sorted by: with an unknown value last, whichever way it goes."""
    known = cursor.value is not None
    return (known == cursor.sort.descending, cursor.value if known else 0, cursor.id)


def _is_behind(place: tuple[bool, Any, str], last: tuple[bool, Any, str], sort: Sort) -> bool:
    return place < last if sort.descending else place > last
