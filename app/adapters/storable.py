"""What a database can hold, decided once for all of them, so that none surprises the others.

PostgreSQL has no NUL in text and neither database has halves of surrogate pairs, which names of files and tags of
damaged audio do bring. Such characters are dropped or replaced; what cannot be mended is refused.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

import numpy as np

from app.domain import Analysis, Embedding, EncoderInfo, Metadata, Track
from app.errors import Fault, InvalidRequest, NotFound

MAX_DEPTH = 32
"""How deep ``Metadata.extra`` may be nested."""

HALF_MAX = float(np.finfo(np.float16).max)


def is_id(text: str) -> bool:
    """Whether the text is an id as Soundkin writes them; anything else names nothing."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def no_waveform(track_id: str) -> NotFound:
    """Return the error for a track whose sound nobody has made a picture of."""
    return NotFound(
        f"No waveform of {track_id!r:.80} was measured: a worker does that when it embeds the audio. "
        "What was embedded by an earlier version has none until another encoder embeds it."
    )


def storable_text(text: str) -> str:
    """Return the text without NUL, and with U+FFFD for halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_metadata(metadata: Metadata) -> Metadata:
    """Return metadata as it is stored: clean text, ``None`` for empty text, no empty tags.

    Raises:
        InvalidRequest: ``extra`` holds what JSON has no form for, or is nested too deep.
    """
    return Metadata(
        title=_known(metadata.title),
        artist=_known(metadata.artist),
        album=_known(metadata.album),
        external_id=_known(metadata.external_id),
        licence=_known(metadata.licence),
        tags=_tags(metadata.tags),
        extra=_storable_json(metadata.extra, "extra", 1),
        denied_tags=_tags(metadata.denied_tags),
    )


def storable_track(track: Track) -> Track:
    """Return a track with everything that came from outside made storable."""
    return replace(
        track,
        metadata=storable_metadata(track.metadata),
        audio=replace(track.audio, filename=storable_text(track.audio.filename)),
        analysis=None if track.analysis is None else storable_analysis(track.analysis),
        heard=storable_heard(track.heard),
    )


def storable_heard(heard: Mapping[str, float]) -> Mapping[str, float]:
    """Return what is heard with clean text; of two tags that become the same the surer one stays."""
    return {storable_text(tag): heard[tag] for tag in sorted(heard, key=lambda tag: heard[tag])}


def storable_analysis(analysis: Analysis) -> Analysis:
    """Return an analysis with clean warnings.

    Raises:
        ValueError: A measurement is NaN or infinite, which SQLite would store as unknown.
    """
    wrong = [
        name for name, value in asdict(analysis).items() if isinstance(value, float) and not math.isfinite(value)
    ]
    if wrong:
        raise ValueError(f"The analysis has {', '.join(wrong)} that are not finite: unknown is None.")
    return replace(analysis, decode_warnings=tuple(map(storable_text, analysis.decode_warnings)))


def storable_embedding(embedding: Embedding, encoder: EncoderInfo) -> Embedding:
    """Return vectors as they are stored, segments with the precision of float16.

    Raises:
        ValueError: Shapes that do not fit the encoder, or values that are not finite.
    """
    segments = len(embedding.segment_vectors)
    arrays = (embedding.vector, embedding.segment_spans_s, embedding.segment_vectors)
    expected = ((encoder.dimension,), (segments, 2), (segments, encoder.dimension))
    if tuple(array.shape for array in arrays) != expected:
        raise ValueError(
            f"Vectors of {encoder.name} have shapes {expected}, got {[each.shape for each in arrays]}."
        )
    if (
        not all(np.isfinite(array).all() for array in arrays)
        or max(np.abs(array).max(initial=0) for array in (embedding.vector, embedding.segment_vectors)) > HALF_MAX
    ):
        raise ValueError(f"Vectors of {encoder.name} hold values that are not finite or too large to store.")
    return Embedding(
        embedding.encoder_id,
        np.asarray(embedding.vector, np.float32),
        np.asarray(embedding.segment_spans_s, np.float32),
        embedding.segment_vectors.astype(np.float16).astype(np.float32),
    )


def _tags(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(tag for tag in map(storable_text, tags) if tag)


def _known(text: str | None) -> str | None:
    return storable_text(text or "") or None


def _storable_json(value: Any, place: str, depth: int) -> Any:  # noqa: ANN401 (JSON)
    if depth > MAX_DEPTH:
        raise _refused(place, f"is nested more than {MAX_DEPTH} deep")
    if isinstance(value, str):
        return storable_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return _finite(value, place)
    if isinstance(value, Mapping):
        return {
            storable_text(str(key)): _storable_json(each, f"{place}.{key}", depth + 1)
            for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_storable_json(each, f"{place}[{index}]", depth + 1) for index, each in enumerate(value)]
    raise _refused(place, f"is {type(value).__name__}, which JSON has no form for")


def _finite(value: float, place: str) -> float:
    if not math.isfinite(value):
        raise _refused(place, f"is {value}, which JSON has no form for")
    return value


def _refused(place: str, message: str) -> InvalidRequest:
    place = storable_text(place)
    return InvalidRequest(f"The metadata cannot be stored: {place} {message}.", [Fault(place, message)])
