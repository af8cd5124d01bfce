"""Bodies of requests and responses about tracks, clips and jobs; search has its own (search_schemas)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from app.api.text import Extra, Line, Word
from app.domain import Analysis, Job, JobKind, JobState, Metadata, Track, TrackState
from app.track_tags import TagSource, all_tags, without

EXAMPLE_ID = "01936f5e-8d4a-7cc2-9a61-3f1b7c0d2e55"
EXAMPLE_TIME = "2026-01-31T12:00:00Z"

Tags = Annotated[list[Word], Field(max_length=100)]


class RequestBody(BaseModel):
    """A body that callers send: unknown fields are refused, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ResponseBody(BaseModel):
    """A body that callers get."""

    model_config = ConfigDict(frozen=True)


class FaultResponse(ResponseBody):
    """One fault in what was sent."""

    place: str = Field(examples=["body.terms[0].weights.timbre"])
    message: str = Field(examples=["this encoder has no such space"])


class ProblemResponse(ResponseBody):
    """Every error has this form (RFC 9457)."""

    model_config = ConfigDict(
        title="Problem",
        json_schema_extra={
            "example": {
                "type": "urn:soundkin:problem:not-found",
                "title": "Not found",
                "status": 404,
                "detail": f"There is no track {EXAMPLE_ID} in this library.",
                "errors": [],
                "request_id": EXAMPLE_ID,
            }
        },
    )
    type: str
    title: str
    status: int
    detail: str
    errors: list[FaultResponse]
    request_id: str | None


class MetadataBody(RequestBody):
    """What the caller says about a track. Fields left out keep what the file's tags say."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "title": "Night Train",
                "artist": "The Soundkins",
                "album": "Rails",
                "external_id": "cat-0042",
                "licence": "CC-BY-4.0",
                "tags": ["jazz", "piano"],
                "denied_tags": ["vocals"],
                "extra": {"catalogue_page": 12},
            }
        }
    )
    title: Line | None = None
    artist: Line | None = None
    album: Line | None = None
    external_id: Line | None = None
    licence: Line | None = None
    tags: Tags | None = Field(default=None, description="Its own; one of them that was denied is so no longer.")
    denied_tags: Tags | None = Field(
        default=None,
        description="Tags that it does not carry, whatever is heard; one of them that was its own is so no longer.",
    )
    extra: Extra | None = None

    @field_validator("denied_tags")
    @classmethod
    def _are_not_its_own(cls, denied: list[str] | None, info: ValidationInfo) -> list[str] | None:
        own = info.data.get("tags") or ()
        if both := sorted({*(denied or ())} - {*without(denied or (), own)}):
            raise ValueError(f"deny {both}, which 'tags' gives to the track; say one or the other of a tag")
        return denied

    def declared(self) -> dict[str, Any]:
        """Only what was sent; empty text means unknown."""
        sent = self.model_dump(exclude_unset=True)
        return {name: (None if value == "" else value) for name, value in sent.items()}


class MetadataResponse(ResponseBody):
    """What is known about a track."""

    title: str | None
    artist: str | None
    album: str | None
    external_id: str | None
    licence: str | None
    tags: list[str]
    denied_tags: list[str]
    extra: dict[str, Any]

    @classmethod
    def of(cls, metadata: Metadata) -> Self:
        """Show it."""
        return cls(
            title=metadata.title,
            artist=metadata.artist,
            album=metadata.album,
            external_id=metadata.external_id,
            licence=metadata.licence,
            tags=list(metadata.tags),
            denied_tags=list(metadata.denied_tags),
            extra=dict(metadata.extra),
        )


class AnalysisResponse(ResponseBody):
    """What was measured."""

    duration_s: float
    loudness_lufs: float | None
    tempo_bpm: float | None
    tempo_confidence: float
    key: str | None
    key_confidence: float
    sample_rate_hz: int
    channels: int
    codec: str
    decode_warnings: list[str]
    certainty: dict[str, float] = Field(description="By encoder, how sure it is of the vectors, 0 to 1.")

    @classmethod
    def of(cls, analysis: Analysis) -> Self:
        """Show it."""
        return cls(
            duration_s=analysis.duration_s,
            loudness_lufs=analysis.loudness_lufs,
            tempo_bpm=analysis.tempo_bpm,
            tempo_confidence=analysis.tempo_confidence,
            key=analysis.key,
            key_confidence=analysis.key_confidence,
            sample_rate_hz=analysis.sample_rate_hz,
            channels=analysis.channels,
            codec=analysis.codec,
            decode_warnings=list(analysis.decode_warnings),
            certainty=dict(analysis.certainty),
        )


_TRACK_EXAMPLE: Mapping[str, Any] = {
    "id": EXAMPLE_ID,
    "state": "ready",
    "metadata": {
        "title": "Night Train",
        "artist": "The Soundkins",
        "album": "Rails",
        "external_id": "cat-0042",
        "licence": "CC-BY-4.0",
        "tags": ["jazz", "piano"],
        "denied_tags": [],
        "extra": {},
    },
    "heard_tags": ["calm"],
    "analysis": {
        "duration_s": 182.4,
        "loudness_lufs": -14.2,
        "tempo_bpm": 118.0,
        "tempo_confidence": 0.8,
        "key": "A minor",
        "key_confidence": 0.6,
        "sample_rate_hz": 44100,
        "channels": 2,
        "codec": "flac",
        "decode_warnings": [],
        "certainty": {"hdpgmm": 0.94},
    },
    "filename": "night-train.flac",
    "content_type": "audio/flac",
    "size_bytes": 21543210,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "has_audio": True,
    "created_at": EXAMPLE_TIME,
    "updated_at": EXAMPLE_TIME,
}


class TrackResponse(ResponseBody):
    """A track of the catalogue."""

    model_config = ConfigDict(json_schema_extra={"example": dict(_TRACK_EXAMPLE)})
    id: str
    state: TrackState
    metadata: MetadataResponse
    heard_tags: list[str] = Field(description="Heard by encoders and denied by nobody, the surest first.")
    analysis: AnalysisResponse | None
    filename: str
    content_type: str
    size_bytes: int
    sha256: str
    has_audio: bool
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, track: Track) -> Self:
        """Show a track."""
        return cls(**_common(track))


class ClipResponse(TrackResponse):
    """A query clip: like a track, but with an end to its life."""

    model_config = ConfigDict(
        json_schema_extra={"example": {**_TRACK_EXAMPLE, "expires_at": EXAMPLE_TIME, "keep_audio": True}}
    )
    expires_at: datetime | None
    keep_audio: bool

    @classmethod
    def of(cls, track: Track) -> Self:
        """Show a clip."""
        return cls(**_common(track), expires_at=track.expires_at, keep_audio=track.keep_audio)


def _common(track: Track) -> dict[str, Any]:
    return {
        "id": track.id,
        "state": track.state,
        "metadata": MetadataResponse.of(track.metadata),
        "heard_tags": [
            each.tag for each in all_tags(track.metadata, track.heard) if each.source is TagSource.HEARD
        ],
        "analysis": AnalysisResponse.of(track.analysis) if track.analysis else None,
        "filename": track.audio.filename,
        "content_type": track.audio.content_type,
        "size_bytes": track.audio.size_bytes,
        "sha256": track.audio.sha256,
        "has_audio": track.audio.key is not None,
        "created_at": track.created_at,
        "updated_at": track.updated_at,
    }


class JobErrorResponse(ResponseBody):
    """Why a job failed."""

    code: str
    message: str


_JOB_EXAMPLE: Mapping[str, Any] = {
    "id": EXAMPLE_ID,
    "kind": "embed_track",
    "subject": EXAMPLE_ID,
    "state": "running",
    "stage": "features",
    "progress": 0.4,
    "priority": 5,
    "attempts": 0,
    "crashes": 0,
    "losses": 0,
    "error": None,
    "request_id": EXAMPLE_ID,
    "created_at": EXAMPLE_TIME,
    "started_at": EXAMPLE_TIME,
    "finished_at": None,
}


class JobResponse(ResponseBody):
    """A piece of work. ``subject`` is the id of the track, clip or map it is about."""

    model_config = ConfigDict(json_schema_extra={"example": dict(_JOB_EXAMPLE)})
    id: str
    kind: JobKind
    subject: str
    state: JobState
    stage: str | None
    progress: float = Field(ge=0, le=1)
    priority: int
    attempts: int
    crashes: int
    losses: int
    error: JobErrorResponse | None
    request_id: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> Self:
        """Show a job."""
        error = JobErrorResponse(code=job.error_code, message=job.error_message or "") if job.error_code else None
        return cls(
            id=job.id,
            kind=job.kind,
            subject=job.subject,
            state=job.state,
            stage=job.stage,
            progress=job.progress,
            priority=job.priority,
            attempts=job.attempts,
            crashes=job.crashes,
            losses=job.losses,
            error=error,
            request_id=job.request_id,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


class UploadedTrackResponse(ResponseBody):
    """What an upload led to. ``created`` is false where the same bytes were there already."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"track": dict(_TRACK_EXAMPLE), "job": dict(_JOB_EXAMPLE), "created": True}}
    )
    track: TrackResponse
    job: JobResponse | None
    created: bool


class UploadedClipResponse(ResponseBody):
    """A clip and the job that embeds it."""

    clip: ClipResponse
    job: JobResponse


class TrackPage(ResponseBody):
    """One page of tracks; ``next_cursor`` is null at the end."""

    items: list[TrackResponse]
    next_cursor: str | None


class JobPage(ResponseBody):
    """One page of jobs, newest first; ``next_cursor`` is null at the end."""

    items: list[JobResponse]
    next_cursor: str | None


class EmbeddingResponse(ResponseBody):
    """The vectors of a track, by space; a zero vector where the space does not apply to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "track": EXAMPLE_ID,
                "encoder": "librosa",
                "version": "1",
                "digest": "9f86d081…",
                "spaces": {"timbre": [0.6, 0.8], "rhythm": [1.0, 0.0]},
            }
        }
    )
    track: str
    encoder: str
    version: str
    digest: str
    spaces: dict[str, list[float]]
