"""What the service speaks of: frozen values and their rules. No IO, no framework.

Axis letters: N tracks, S segments, D dimensions of a whole embedding (all spaces side by side).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
import uuid_utils
from numpy.typing import NDArray

from app.component_meaning import ComponentMeaning
from app.tag_directions import TagDirections

Vectors = NDArray[np.float32]

DEFAULT_LIBRARY = "00000000-0000-7000-8000-000000000001"


def new_id() -> str:
    """Return a fresh UUIDv7 as text: unique, and ordered by time of creation."""
    return str(uuid_utils.uuid7())


def utc_now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)


# --- the catalogue ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Library:
    """One tenant: its tracks, clips, jobs and keys are invisible to every other."""

    id: str
    name: str


class TrackKind(StrEnum):
    """A track is part of the catalogue; a clip only asks a question and goes away after a while."""

    TRACK = "track"
    CLIP = "clip"


class TrackState(StrEnum):
    """PENDING until the first vectors are stored, then READY; FAILED when its job was given up."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Metadata:
    """What people say about a track. Empty text and ``None`` both mean unknown; stored as ``None``.

    ``denied_tags`` are those that it does not carry, whatever encoders hear.
    """

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    external_id: str | None = None
    licence: str | None = None
    tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    denied_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """Audio bytes in the store. ``key`` is ``None`` once the bytes were deleted."""

    key: str | None
    sha256: str
    size_bytes: int
    content_type: str
    filename: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a worker measured.

    Attributes:
        duration_s: Length of what was decoded, in seconds.
        loudness_lufs: Integrated loudness (ITU-R BS.1770-4); ``None`` for silence.
        tempo_bpm: Estimated tempo; ``None`` where there is no pulse to measure.
        tempo_confidence: 0 to 1.
        key: For example ``"A minor"`` or ``"F# major"``; ``None`` where there is no tonality to measure.
        key_confidence: 0 to 1.
        sample_rate_hz: Of the file, before resampling.
        channels: Of the file, before mixing down.
        codec: FFmpeg's name of the codec.
        decode_warnings: What was wrong with the file and tolerated.
        certainty: By the name of an encoder, how sure it is of its vectors, 0 to 1; encoders that cannot tell are
            left out.
    """

    duration_s: float
    loudness_lufs: float | None
    tempo_bpm: float | None
    tempo_confidence: float
    key: str | None
    key_confidence: float
    sample_rate_hz: int
    channels: int
    codec: str
    decode_warnings: tuple[str, ...] = ()
    certainty: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Track:
    """A track of the catalogue or a query clip.

    ``number`` is the small integer under which an index knows it (0 until the database gave one). ``heard`` holds
    the tags that READY encoders hear in it, each with how sure the surest of them is.
    """

    id: str
    library_id: str
    kind: TrackKind
    metadata: Metadata
    audio: StoredAudio
    number: int = 0
    state: TrackState = TrackState.PENDING
    analysis: Analysis | None = None
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    expires_at: datetime | None = None
    keep_audio: bool = True
    heard: Mapping[str, float] = field(default_factory=dict)


# --- encoders and vectors --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Space:
    """One sub-space of an encoder: a musical dimension with vectors of its own."""

    name: str
    dimension: int
    description: str = ""


class EncoderState(StrEnum):
    """READY serves searches; a SHADOW is embedded beside it until promoted; RETIRED only keeps its rows."""

    READY = "ready"
    SHADOW = "shadow"
    RETIRED = "retired"


def side_by_side(parts: Iterable[tuple[str, int]]) -> dict[str, slice]:
    """Return where each part stands, by name, when parts of these lengths are put one after the other."""
    places: dict[str, slice] = {}
    start = 0
    for name, length in parts:
        places[name] = slice(start, start + length)
        start += length
    return places


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """What the service knows of an encoder: workers announce it, the web process never loads it.

    ``digest`` identifies the artifact, so (name, digest) says exactly what made a vector. ``tags`` are those that
    it hears, by space; a name may stand in several spaces. ``components`` says what each dimension of a space
    means, for spaces of which that can be said.
    """

    id: str
    name: str
    version: str
    digest: str
    spaces: tuple[Space, ...]
    tags: Mapping[str, TagDirections] = field(default_factory=dict)
    components: Mapping[str, tuple[ComponentMeaning, ...]] = field(default_factory=dict)
    state: EncoderState = EncoderState.READY
    is_default: bool = False

    @property
    def dimension(self) -> int:
        """D, the length of a whole embedding."""
        return sum(space.dimension for space in self.spaces)

    def slices(self) -> dict[str, slice]:
        """Where each space stands in a whole embedding, in order."""
        return side_by_side((space.name, space.dimension) for space in self.spaces)


@dataclass(frozen=True, slots=True)
class Embedding:
    """The vectors of one track by one encoder.

    Attributes:
        encoder_id: ``EncoderInfo.id``.
        vector: (D,) the spaces side by side; each of unit length, or zero where the track is absent.
        segment_spans_s: (S, 2) start and end of each segment in seconds.
        segment_vectors: (S, D) as ``vector``, by segment.
    """

    encoder_id: str
    vector: Vectors
    segment_spans_s: Vectors
    segment_vectors: Vectors


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cosines between random pairs of a library, by space ("calibration" in docs/glossary.md).

    ``mean`` and ``deviation`` are keyed by space; ``tracks`` is the size of the catalogue when measured.
    """

    library_id: str
    encoder_id: str
    mean: Mapping[str, float]
    deviation: Mapping[str, float]
    tracks: int
    measured_at: datetime = field(default_factory=utc_now)


# --- jobs ------------------------------------------------------------------------------------------


class JobKind(StrEnum):
    """What a worker can be asked to do."""

    EMBED_TRACK = "embed_track"
    EMBED_CLIP = "embed_clip"
    REEMBED = "reembed"
    MAP = "map"


class JobState(StrEnum):
    """queued → running → done | failed | cancelled."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether the job will not change any more by itself."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class Priority(IntEnum):
    """Lower is sooner."""

    INTERACTIVE = 0
    UPLOAD = 5
    MAP = 7
    BACKGROUND = 9


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: a row of the database, which is the truth.

    ``subject`` is the id of the track or clip, or of a MAP that of the map. ``attempts`` counts errors, ``crashes``
    deaths of the process that worked on it, ``losses`` deaths of its machine. ``token`` fences: only its holder may
    write a result. ``request_id`` is that of the HTTP request which asked for it: web and worker log the same one.
    """

    id: str
    library_id: str
    kind: JobKind
    subject: str
    priority: int
    state: JobState = JobState.QUEUED
    attempts: int = 0
    crashes: int = 0
    losses: int = 0
    run_at: datetime = field(default_factory=utc_now)
    worker_id: str | None = None
    token: str | None = None
    deadline: datetime | None = None
    stage: str | None = None
    progress: float = 0.0
    error_code: str | None = None
    error_message: str | None = None
    request_id: str | None = None
    created_at: datetime = field(default_factory=utc_now)
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def must_run_alone(self) -> bool:
        """Whether the job is suspected of killing workers: it runs with no other beside it."""
        return self.crashes > 0 or self.losses > 1


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker process with its lease."""

    id: str
    host: str
    device: str
    lease_until: datetime
    alive: bool


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many jobs of one state and priority there are, and how old the oldest is."""

    state: JobState
    priority: int
    count: int
    oldest_age_s: float


@dataclass(frozen=True, slots=True)
class Tally:
    """A running total that workers add to, for metrics: of all workers, since the database was made.

    ``name`` is for example ``outcome:done`` or ``stage:decode``; ``count`` says how often it happened and ``total``
    how much it came to (seconds of a stage, rows of a device batch).
    """

    name: str
    count: int
    total: float = 0.0


# --- the change log --------------------------------------------------------------------------------


class ChangeKind(StrEnum):
    """What a change-log row is about."""

    TRACK_ADDED = "track.added"
    TRACK_UPDATED = "track.updated"
    TRACK_EMBEDDED = "track.embedded"
    TRACK_FAILED = "track.failed"
    TRACK_DELETED = "track.deleted"
    JOB_UPDATED = "job.updated"
    ENCODER_UPDATED = "encoder.updated"
    LIBRARY_ADDED = "library.added"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the change log. ``seq`` grows in commit order, without exception.

    ``number`` is the track's ``Track.number`` where the change is about a track, so that an index can
    forget a track whose row is gone.
    """

    seq: int
    library_id: str
    kind: ChangeKind
    subject: str
    number: int | None
    at: datetime
