"""Rows to values of the domain and back."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sqlalchemy import Row

from app.adapters.checked_filter import comparable_text
from app.component_meaning import ComponentMeaning
from app.domain import (
    Analysis,
    Calibration,
    Embedding,
    EncoderInfo,
    EncoderState,
    Metadata,
    Space,
    StoredAudio,
    Track,
    TrackKind,
    TrackState,
    Vectors,
)
from app.keys import ApiKey, Scope
from app.tag_directions import TagDirections
from app.track_tags import all_tags

Values = Mapping[str, Any]

METADATA = ("title", "artist", "album", "external_id", "licence", "tags", "extra", "denied_tags")
"""Columns of what people say, as ``Metadata`` takes them."""


def track_values(track: Track) -> Values:
    """Columns of a track, without its number, which the database gives."""
    return {
        "id": track.id,
        "library_id": track.library_id,
        "kind": track.kind,
        "state": track.state,
        **metadata_values(track.metadata, track.heard),
        "heard_tags": dict(track.heard),
        "audio_key": track.audio.key,
        "sha256": track.audio.sha256,
        "size_bytes": track.audio.size_bytes,
        "content_type": track.audio.content_type,
        "filename": track.audio.filename,
        "keep_audio": track.keep_audio,
        **({} if track.analysis is None else analysis_values(track.analysis)),
        "created_at": track.created_at,
        "updated_at": track.updated_at,
        "expires_at": track.expires_at,
    }


def metadata_values(metadata: Metadata, heard: Mapping[str, float]) -> Values:
    """Columns of what people say, with the folded text beside it; what is heard decides on all tags with them."""
    texts = {
        "title": metadata.title,
        "artist": metadata.artist,
        "album": metadata.album,
        "external_id": metadata.external_id,
        "licence": metadata.licence,
    }
    return {
        **texts,
        **{f"{name}_folded": _folded(text) for name, text in texts.items()},
        "tags": list(metadata.tags),
        "tags_folded": [comparable_text(tag) for tag in metadata.tags],
        "denied_tags": list(metadata.denied_tags),
        "all_tags_folded": folded_tags(metadata, heard),
        "extra": dict(metadata.extra),
    }


def folded_tags(metadata: Metadata, heard: Mapping[str, float]) -> list[str]:
    """Return all tags of a track as they are compared."""
    return [comparable_text(each.tag) for each in all_tags(metadata, heard)]


def analysis_values(analysis: Analysis) -> Values:
    """Columns of what a worker measured."""
    return {
        "duration_s": analysis.duration_s,
        "loudness_lufs": analysis.loudness_lufs,
        "tempo_bpm": analysis.tempo_bpm,
        "tempo_confidence": analysis.tempo_confidence,
        "key": analysis.key,
        "key_folded": _folded(analysis.key),
        "key_confidence": analysis.key_confidence,
        "sample_rate_hz": analysis.sample_rate_hz,
        "channels": analysis.channels,
        "codec": analysis.codec,
        "decode_warnings": list(analysis.decode_warnings),
        "certainty": dict(analysis.certainty),
    }


def track_from_row(row: Row[Any]) -> Track:
    """Build the track or clip of a whole row."""
    return Track(
        id=row.id,
        library_id=row.library_id,
        kind=TrackKind(row.kind),
        metadata=metadata_from_row(row),
        audio=StoredAudio(row.audio_key, row.sha256, row.size_bytes, row.content_type, row.filename),
        number=row.number,
        state=TrackState(row.state),
        analysis=_analysis_from_row(row),
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
        keep_audio=row.keep_audio,
        heard=row.heard_tags,
    )


def metadata_from_row(row: Row[Any]) -> Metadata:
    """Build what people say, of a row that has their columns."""
    values = {name: getattr(row, name) for name in METADATA}
    return Metadata(**values | {name: tuple(values[name]) for name in ("tags", "denied_tags")})


def _analysis_from_row(row: Row[Any]) -> Analysis | None:
    if row.duration_s is None:
        return None
    return Analysis(
        row.duration_s,
        row.loudness_lufs,
        row.tempo_bpm,
        row.tempo_confidence,
        row.key,
        row.key_confidence,
        row.sample_rate_hz,
        row.channels,
        row.codec,
        tuple(row.decode_warnings),
        row.certainty or {},
    )


def encoder_values(encoder: EncoderInfo) -> Values:
    """Columns of an encoder."""
    return {
        "id": encoder.id,
        "name": encoder.name,
        "version": encoder.version,
        "digest": encoder.digest,
        "spaces": [[space.name, space.dimension, space.description] for space in encoder.spaces],
        "tags": {space: list(tags.names) for space, tags in encoder.tags.items()},
        "components": {
            space: [[meaning.share, meaning.tags] for meaning in meanings]
            for space, meanings in encoder.components.items()
        },
        "state": encoder.state,
        "is_default": encoder.is_default,
    }


def tag_directions_values(encoder: EncoderInfo) -> list[Values]:
    """Columns of where its tags point, by space."""
    return [
        {
            "encoder_id": encoder.id,
            "space": space,
            "directions": vector_bytes(tags.directions),
            "scale": vector_bytes(tags.scale),
            "offset": vector_bytes(tags.offset),
        }
        for space, tags in encoder.tags.items()
    ]


def encoder_from_row(row: Row[Any], directions: Iterable[Row[Any]]) -> EncoderInfo:
    """Build an encoder, with its rows of ``tag_directions``: names of tags without directions say nothing."""
    return EncoderInfo(
        id=row.id,
        name=row.name,
        version=row.version,
        digest=row.digest,
        spaces=tuple(Space(*space) for space in row.spaces),
        tags={each.space: _tag_directions(tuple(row.tags[each.space]), each) for each in directions},
        components={space: tuple(map(_meaning, meanings)) for space, meanings in row.components.items()},
        state=EncoderState(row.state),
        is_default=row.is_default,
    )


def _meaning(stored: tuple[float, list[tuple[str, float]]]) -> ComponentMeaning:
    share, tags = stored
    return ComponentMeaning(share, tuple((tag, lift) for tag, lift in tags))


def _tag_directions(names: tuple[str, ...], row: Row[Any]) -> TagDirections:
    arrays = [np.frombuffer(blob, "<f4").astype(np.float32) for blob in (row.directions, row.scale, row.offset)]
    return TagDirections(names, arrays[0].reshape(len(names), -1), arrays[1], arrays[2])


def calibration_values(calibration: Calibration) -> Values:
    """Columns of a calibration."""
    return {
        "library_id": calibration.library_id,
        "encoder_id": calibration.encoder_id,
        "mean": dict(calibration.mean),
        "deviation": dict(calibration.deviation),
        "tracks": calibration.tracks,
        "measured_at": calibration.measured_at,
    }


def calibration_from_row(row: Row[Any]) -> Calibration:
    """Build a calibration."""
    return Calibration(row.library_id, row.encoder_id, row.mean, row.deviation, row.tracks, row.measured_at)


def key_values(key: ApiKey) -> Values:
    """Columns of an access key."""
    return {
        "id": key.id,
        "library_id": key.library_id,
        "name": key.name,
        "scope": key.scope,
        "secret_sha256": key.secret_sha256,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
    }


def key_from_row(row: Row[Any]) -> ApiKey:
    """Build an access key."""
    return ApiKey(
        row.id, row.library_id, row.name, Scope(row.scope), row.secret_sha256, row.created_at, row.expires_at
    )


def vector_bytes(vector: Vectors) -> bytes:
    """Little-endian float32, whatever the machine."""
    return vector.astype("<f4").tobytes()


def segment_bytes(vectors: Vectors) -> bytes:
    """Little-endian float16: what the best segment of a match is chosen by needs no more."""
    return vectors.astype("<f2").tobytes()


def vectors_from_bytes(blobs: list[bytes], dimension: int) -> Vectors:
    """(N, D) from N rows."""
    return np.frombuffer(b"".join(blobs), "<f4").astype(np.float32).reshape(len(blobs), dimension)


def embedding_from_row(row: Row[Any]) -> Embedding:
    """Build the vectors of one track, from its rows of ``embedding`` and ``segment`` side by side."""
    vector = np.frombuffer(row.vector, "<f4").astype(np.float32)
    spans_s = np.frombuffer(row.spans_s, "<f4").astype(np.float32).reshape(-1, 2)
    segments = np.frombuffer(row.vectors, "<f2").astype(np.float32).reshape(len(spans_s), len(vector))
    return Embedding(row.encoder_id, vector, spans_s, segments)


def _folded(text: str | None) -> str | None:
    return None if text is None else comparable_text(text)
