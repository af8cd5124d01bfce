"""Tracks: upload, list, read, edit, remove, hear, their vectors, and the tags heard in them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from app.api.audio import audio_response
from app.api.dependencies import AssemblyDep, ItemId, Reader, SettingsDep, Writer
from app.api.filter_body import filter_from_query
from app.api.problems import refusal, request_id
from app.api.schemas import (
    EmbeddingResponse,
    JobResponse,
    MetadataBody,
    TrackPage,
    TrackResponse,
    UploadedTrackResponse,
)
from app.api.tag_schemas import TrackTagsResponse
from app.api.text import Line
from app.api.threads import in_upload_thread
from app.api.upload import describe_upload, json_field, receive_upload
from app.api.waveform import WaveformResponse, read_waveform
from app.domain import TrackKind, TrackState
from app.services.encoders import find_encoder
from app.services.ingest import Arrival, Ingested
from app.services.tags import heard_tags
from app.services.tracks import find

router = APIRouter(prefix="/v1/tracks", tags=["tracks"])

_UPLOAD = describe_upload(
    {
        "metadata": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "MetadataBody as JSON; goes before the tags in the file.",
        }
    },
    {"metadata": '{"title": "Night Train", "tags": ["jazz"]}'},
)


@router.post(
    "",
    status_code=202,
    responses={200: {"model": UploadedTrackResponse, "description": "The same bytes are there already."}},
    openapi_extra=_UPLOAD,
)
async def add_track(
    request: Request, response: Response, caller: Writer, assembly: AssemblyDep, settings: SettingsDep
) -> UploadedTrackResponse:
    """Upload a track. It is embedded by a worker; the job tells how far that is."""
    await run_in_threadpool(assembly.ingest.admit, TrackKind.TRACK)
    arrival = Arrival(caller.library_id, request_id(request))
    async with receive_upload(
        request, assembly.ports.store, fields=frozenset({"metadata"}), max_bytes=settings.max_upload_bytes
    ) as upload:
        declared = declared_metadata(json_field(upload, "metadata"))
        ingested = await in_upload_thread(request, assembly.ingest.add_track, arrival, upload.received, declared)
    response.status_code = 202 if ingested.created else 200
    response.headers["Location"] = f"/v1/tracks/{ingested.track.id}"
    return _uploaded(ingested)


def declared_metadata(sent: object) -> dict[str, Any]:
    """Check the metadata part of an upload. Raises ``InvalidRequest`` with all faults."""
    try:
        return MetadataBody.model_validate(sent).declared()
    except ValidationError as error:
        raise refusal(error, "body", "metadata") from error


def _uploaded(ingested: Ingested) -> UploadedTrackResponse:
    return UploadedTrackResponse(
        track=TrackResponse.of(ingested.track),
        job=JobResponse.of(ingested.job) if ingested.job else None,
        created=ingested.created,
    )


@router.get("")
def list_tracks(  # noqa: PLR0917 - FastAPI calls it by keyword
    caller: Reader,
    assembly: AssemblyDep,
    filter_: Annotated[str | None, Query(alias="filter", description="A filter as JSON.")] = None,
    text: Annotated[Line | None, Query(description="Contained in title, artist or album.")] = None,
    state: TrackState | None = None,
    sort: Annotated[str, Query(description="A field, '-' before it for descending.")] = "-created_at",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[Line | None, Query(description="next_cursor of the page before.")] = None,
) -> TrackPage:
    """List the catalogue's tracks."""
    where = filter_from_query(filter_)
    with assembly.ports.database.transaction(read_only=True) as tx:
        page = tx.catalogue.list_tracks(
            caller.library_id, where=where, text=text or None, state=state, sort=sort, limit=limit, cursor=cursor
        )
    return TrackPage(items=[TrackResponse.of(track) for track in page.items], next_cursor=page.next_cursor)


@router.get("/{track_id}")
def get_track(track_id: ItemId, caller: Reader, assembly: AssemblyDep) -> TrackResponse:
    """Read a track."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        return TrackResponse.of(find(tx, caller.library_id, track_id, TrackKind.TRACK))


@router.patch("/{track_id}")
def edit_track(track_id: ItemId, body: MetadataBody, caller: Writer, assembly: AssemblyDep) -> TrackResponse:
    """Set the metadata fields that are given; null or empty text clears one; `extra` is merged key by key."""
    return TrackResponse.of(assembly.tracks.edit(caller.library_id, track_id, body.declared()))


@router.delete("/{track_id}", status_code=204)
def remove_track(track_id: ItemId, caller: Writer, assembly: AssemblyDep) -> None:
    """Remove a track with its audio, vectors and index entry."""
    assembly.tracks.remove(caller.library_id, track_id, TrackKind.TRACK)


@router.head("/{track_id}/audio", response_class=Response, include_in_schema=False)
@router.get("/{track_id}/audio", response_class=Response)
def track_audio(request: Request, track_id: ItemId, caller: Reader, assembly: AssemblyDep) -> Response:
    """Send the audio, whole or the byte range that is asked for."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        track = find(tx, caller.library_id, track_id, TrackKind.TRACK)
    return audio_response(request, assembly.ports.store, track)


@router.get("/{track_id}/waveform")
def track_waveform(track_id: ItemId, caller: Reader, assembly: AssemblyDep) -> WaveformResponse:
    """Read the picture of its sound, as a worker measured it."""
    return read_waveform(assembly.ports.database, caller.library_id, track_id, TrackKind.TRACK)


@router.get("/{track_id}/embedding")
def track_embedding(
    track_id: ItemId, caller: Reader, assembly: AssemblyDep, encoder: Annotated[Line | None, Query()] = None
) -> EmbeddingResponse:
    """Read the vectors by one encoder, the default one if none is named."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        track = find(tx, caller.library_id, track_id, TrackKind.TRACK)
        info = find_encoder(tx, encoder)
        vector = tx.catalogue.embedding(track.id, info.id).vector
    return EmbeddingResponse(
        track=track.id,
        encoder=info.name,
        version=info.version,
        digest=info.digest,
        spaces={name: vector[place].tolist() for name, place in info.slices().items()},
    )


@router.get("/{track_id}/tags")
def track_tags(
    track_id: ItemId,
    caller: Reader,
    assembly: AssemblyDep,
    encoder: Annotated[Line | None, Query()] = None,
    min_confidence: Annotated[float, Query(ge=0, le=1, description="Leave out tags that are less sure.")] = 0.5,
) -> TrackTagsResponse:
    """Say which tags an encoder hears in a track, the default one if none is named, most confident first.

    `all` has them together with the tags that people wrote, without those that people denied.
    """
    with assembly.ports.database.transaction(read_only=True) as tx:
        track = find(tx, caller.library_id, track_id, TrackKind.TRACK)
        info = find_encoder(tx, encoder)
        vector = tx.catalogue.embedding(track.id, info.id).vector
    return TrackTagsResponse.of(track, info, heard_tags(info, vector, min_confidence))
