"""Maps in memory."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from app.adapters.memory_state import MemoryState
from app.catalogue_map import CatalogueMap, Drawing, MapRequest, MapTrack, Numbers
from app.domain import Track, TrackKind, new_id
from app.errors import NotFound
from app.track_tags import all_tags


class MemoryMaps:
    """Implements ``catalogue_map.Maps``."""

    def __init__(self, state: MemoryState, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock

    def ask(self, library_id: str, request: MapRequest, encoder_id: str) -> CatalogueMap:
        known = self.find(library_id, request)
        known = known or CatalogueMap(new_id(), library_id, request, encoder_id, self._clock())
        self._state.maps[known.id] = replace(known, requested_at=self._clock())
        return self._state.maps[known.id]

    def find(self, library_id: str, request: MapRequest) -> CatalogueMap | None:
        known = self._state.maps.values()
        return next((each for each in known if (each.library_id, each.request) == (library_id, request)), None)

    def map(self, library_id: str, map_id: str) -> CatalogueMap:
        known = self._state.maps.get(map_id)
        if known is None or known.library_id != library_id:
            raise map_not_found(map_id)
        return known

    def maps(self, library_id: str) -> Sequence[CatalogueMap]:
        known = [each for each in self._state.maps.values() if each.library_id == library_id]
        return sorted(known, key=lambda each: (each.requested_at, each.id), reverse=True)

    def drawing(self, map_id: str) -> Drawing | None:
        return self._state.drawings.get(map_id)

    def save(self, map_id: str, encoder_id: str, drawing: Drawing) -> CatalogueMap:
        if map_id not in self._state.maps:
            raise map_not_found(map_id)
        drawn = replace(self._state.maps[map_id], encoder_id=encoder_id, drawn_at=self._clock())
        self._state.maps[map_id], self._state.drawings[map_id] = drawn, drawing
        return drawn

    def forget(self, map_id: str) -> None:
        self._state.maps.pop(map_id, None)
        self._state.drawings.pop(map_id, None)

    def tracks(self, library_id: str, numbers: Iterable[int]) -> Sequence[MapTrack]:
        wanted = set(numbers)
        return [_shown(track) for track in self._catalogue(library_id) if track.number in wanted]

    def embedded(self, library_id: str, encoder_id: str) -> Numbers:
        made = self._state.embeddings
        found = [track.number for track in self._catalogue(library_id) if (track.id, encoder_id) in made]
        return np.array(found, np.int64)

    def _catalogue(self, library_id: str) -> Sequence[Track]:
        known = self._state.tracks.values()
        found = [track for track in known if (track.library_id, track.kind) == (library_id, TrackKind.TRACK)]
        return sorted(found, key=lambda track: track.number)


def _shown(track: Track) -> MapTrack:
    return MapTrack(
        number=track.number,
        id=track.id,
        title=track.metadata.title,
        artist=track.metadata.artist,
        tempo_bpm=track.analysis.tempo_bpm if track.analysis else None,
        key=track.analysis.key if track.analysis else None,
        tags=tuple(each.tag for each in all_tags(track.metadata, track.heard)),
        has_audio=track.audio.key is not None,
    )


def map_not_found(map_id: str) -> NotFound:
    """Return the error for a map that is not there."""
    return NotFound(f"There is no map {map_id!r:.80} in this library: it was removed, ask for it again.")
