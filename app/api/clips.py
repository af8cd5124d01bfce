"""Query clips: audio that asks a question and goes away."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import Field, TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from app.api.audio import audio_response
from app.api.dependencies import AssemblyDep, ItemId, Reader, SettingsDep, Writer
from app.api.problems import request_id
from app.api.schemas import ClipResponse, JobResponse, UploadedClipResponse
from app.api.threads import in_upload_thread
from app.api.upload import Upload, describe_upload, receive_upload
from app.api.waveform import WaveformResponse, read_waveform
from app.domain import TrackKind
from app.errors import Fault, InvalidRequest
from app.services.ingest import Arrival, Ingested
from app.services.tracks import find

router = APIRouter(prefix="/v1/clips", tags=["clips"])

T = TypeVar("T")

MAX_TTL_S = 7 * 24 * 3600.0

_TTL: TypeAdapter[float] = TypeAdapter(Annotated[float, Field(gt=0, le=MAX_TTL_S, allow_inf_nan=False)])
_KEEP: TypeAdapter[bool] = TypeAdapter(bool)

_UPLOAD = describe_upload(
    {
        "ttl_s": {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TTL_S},
        "keep_audio": {"type": "boolean", "default": True},
    },
    {"ttl_s": 600, "keep_audio": False},
)


@router.post("", status_code=202, openapi_extra=_UPLOAD)
async def add_clip(
    request: Request, caller: Reader, assembly: AssemblyDep, settings: SettingsDep
) -> UploadedClipResponse:
    """Upload a clip to search with. `keep_audio=false` deletes the audio once it is embedded."""
    await run_in_threadpool(assembly.ingest.admit, TrackKind.CLIP)
    async with receive_upload(
        request,
        assembly.ports.store,
        fields=frozenset({"ttl_s", "keep_audio"}),
        max_bytes=settings.max_upload_bytes,
    ) as upload:
        ttl_s = text_field(upload, "ttl_s", _TTL, settings.clip_ttl_s)
        keep_audio = text_field(upload, "keep_audio", _KEEP, True)
        arrival = Arrival(caller.library_id, request_id(request))
        ingested = await in_upload_thread(
            request, assembly.ingest.add_clip, arrival, upload.received, ttl_s=ttl_s, keep_audio=keep_audio
        )
    return uploaded_clip(ingested)


def text_field(upload: Upload, name: str, adapter: TypeAdapter[T], default: T) -> T:
    """Return a text part as a value. Raises ``InvalidRequest``."""
    text = upload.fields.get(name, "").strip()
    if not text:
        return default
    try:
        return adapter.validate_python(text)
    except ValidationError as error:
        faults = [Fault(f"body.{name}", fault["msg"]) for fault in error.errors()]
        raise InvalidRequest(f"The part '{name}' is '{text[:80]}': {faults[0].message}.", faults) from error


def uploaded_clip(ingested: Ingested) -> UploadedClipResponse:
    """Show a fresh clip with its job."""
    if ingested.job is None:
        raise TypeError("a fresh clip comes with a job")
    return UploadedClipResponse(clip=ClipResponse.of(ingested.track), job=JobResponse.of(ingested.job))


@router.get("/{clip_id}")
def get_clip(clip_id: ItemId, caller: Reader, assembly: AssemblyDep) -> ClipResponse:
    """Read a clip."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        return ClipResponse.of(find(tx, caller.library_id, clip_id, TrackKind.CLIP))


@router.delete("/{clip_id}", status_code=204)
def remove_clip(clip_id: ItemId, caller: Writer, assembly: AssemblyDep) -> None:
    """Remove a clip before its time."""
    assembly.tracks.remove(caller.library_id, clip_id, TrackKind.CLIP)


@router.head("/{clip_id}/audio", response_class=Response, include_in_schema=False)
@router.get("/{clip_id}/audio", response_class=Response)
def clip_audio(request: Request, clip_id: ItemId, caller: Reader, assembly: AssemblyDep) -> Response:
    """Send the audio, whole or the byte range that is asked for."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        clip = find(tx, caller.library_id, clip_id, TrackKind.CLIP)
    return audio_response(request, assembly.ports.store, clip)


@router.get("/{clip_id}/waveform")
def clip_waveform(clip_id: ItemId, caller: Reader, assembly: AssemblyDep) -> WaveformResponse:
    """Read the picture of its sound, as a worker measured it."""
    return read_waveform(assembly.ports.database, caller.library_id, clip_id, TrackKind.CLIP)
