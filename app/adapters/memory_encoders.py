"""Encoders and what workers made in memory: vectors, segments, pictures of the sound, calibrations."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from app.adapters.memory_state import MemoryState
from app.adapters.memory_tracks import not_found
from app.adapters.storable import no_waveform, storable_embedding
from app.database import Numbers
from app.domain import Calibration, Embedding, EncoderInfo, EncoderState, Track, TrackKind, Vectors
from app.errors import NotEmbedded, NotFound


class MemoryEncoders:
    """The part of ``ports.Catalogue`` that is about encoders and vectors."""

    def __init__(self, state: MemoryState, clock: Callable[[], datetime]) -> None:
        self._state = state
        self._clock = clock

    def announce_encoder(self, brought: EncoderInfo) -> EncoderInfo:
        others = self.encoders()
        for known in others:
            if (known.name, known.digest) == (brought.name, brought.digest):
                self._state.encoders[known.id] = replace(known, tags=brought.tags, components=brought.components)
                return self._state.encoders[known.id]
        ready = not any(each.name == brought.name and each.state is EncoderState.READY for each in others)
        new = replace(brought, state=EncoderState.READY if ready else EncoderState.SHADOW, is_default=not others)
        self._state.encoders[new.id] = new
        return new

    def encoders(self) -> Sequence[EncoderInfo]:
        return sorted(self._state.encoders.values(), key=lambda encoder: encoder.id)

    def promote_encoder(self, encoder_id: str, *, default: bool) -> None:
        chosen = self._encoder(encoder_id)
        rivals = [each for each in self.encoders() if each.name == chosen.name and each.state is EncoderState.READY]
        default = default or chosen.is_default or any(rival.is_default for rival in rivals)
        for each in self.encoders() if default else []:
            self._state.encoders[each.id] = replace(each, is_default=False)
        for rival in rivals:
            self._state.encoders[rival.id] = replace(self._encoder(rival.id), state=EncoderState.RETIRED)
        self._state.encoders[encoder_id] = replace(chosen, state=EncoderState.READY, is_default=default)

    def save_embedding(self, track_id: str, made: Embedding) -> None:
        stored = storable_embedding(made, self._encoder(made.encoder_id))
        if track_id not in self._state.tracks:
            raise not_found(track_id)
        self._state.embeddings[track_id, made.encoder_id] = stored

    def save_waveform(self, track_id: str, peaks: bytes) -> None:
        if track_id not in self._state.tracks:
            raise not_found(track_id)
        self._state.waveforms[track_id] = peaks

    def waveform(self, track_id: str) -> bytes:
        if track_id not in self._state.waveforms:
            raise no_waveform(track_id)
        return self._state.waveforms[track_id]

    def embedding(self, track_id: str, encoder_id: str) -> Embedding:
        if (track_id, encoder_id) not in self._state.embeddings:
            raise NotEmbedded(
                f"Track {track_id!r:.80} has no vectors of encoder {encoder_id!r:.80} (yet): wait for its job."
            )
        return self._state.embeddings[track_id, encoder_id]

    def embeddings_by_number(self, encoder_id: str, numbers: Iterable[int]) -> dict[int, Embedding]:
        wanted = set(numbers)
        tracks = [track for track in self._state.tracks.values() if track.number in wanted]
        made = {track.number: self._state.embeddings.get((track.id, encoder_id)) for track in tracks}
        return {number: embedding for number, embedding in made.items() if embedding is not None}

    def vectors(self, encoder_id: str, numbers: Iterable[int]) -> tuple[Numbers, Vectors]:
        wanted = set(numbers)
        return self._arrays(encoder_id, [track for track in self._embedded(encoder_id) if track.number in wanted])

    def all_vectors(
        self, library_id: str, encoder_id: str, *, batch: int = 4096
    ) -> Iterator[tuple[Numbers, Vectors]]:
        self._encoder(encoder_id)
        tracks = [track for track in self._embedded(encoder_id) if track.library_id == library_id]
        for start in range(0, len(tracks), batch):
            yield self._arrays(encoder_id, tracks[start : start + batch])

    def count_embedded(self, library_id: str, encoder_id: str) -> int:
        return sum(track.library_id == library_id for track in self._embedded(encoder_id))

    def save_calibration(self, measured: Calibration) -> None:
        self._state.calibrations[measured.library_id, measured.encoder_id] = measured

    def calibration(self, library_id: str, encoder_id: str) -> Calibration | None:
        return self._state.calibrations.get((library_id, encoder_id))

    def _encoder(self, encoder_id: str) -> EncoderInfo:
        if encoder_id not in self._state.encoders:
            raise NotFound(f"There is no encoder {encoder_id!r:.80}: a worker announces it when it starts.")
        return self._state.encoders[encoder_id]

    def _embedded(self, encoder_id: str) -> list[Track]:
        """Catalogue tracks with vectors, ascending by number."""
        return [
            track
            for track in self._state.tracks.values()
            if track.kind is TrackKind.TRACK and (track.id, encoder_id) in self._state.embeddings
        ]

    def _arrays(self, encoder_id: str, tracks: Sequence[Track]) -> tuple[Numbers, Vectors]:
        rows = [self._state.embeddings[track.id, encoder_id].vector for track in tracks]
        vectors = np.array(rows, np.float32).reshape(len(rows), self._encoder(encoder_id).dimension)
        return np.array([track.number for track in tracks], np.int64), vectors
