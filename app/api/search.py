"""The search, by what is in the catalogue and by a file that comes with the request."""

import asyncio
import time

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from app.api.dependencies import AssemblyDep, Reader, SettingsDep
from app.api.problems import problem_of, refusal, request_id
from app.api.schemas import ClipResponse, JobResponse, ResponseBody
from app.api.search_schemas import (
    UPLOADED,
    AudioSearchBody,
    AudioSearchResponse,
    BatchAnswerResponse,
    BatchSearchBody,
    BatchSearchResponse,
    SearchBody,
    SearchResponse,
    TermBody,
    WaitingResponse,
)
from app.api.section_schemas import SectionsBody, SectionsResponse
from app.api.threads import in_upload_thread
from app.api.upload import describe_upload, json_field, receive_upload
from app.domain import Job, JobState, TrackKind
from app.errors import AudioRefused, Conflict
from app.retrieval import SearchAnswer
from app.services.assembly import Assembly
from app.services.ingest import Arrival, Ingested

router = APIRouter(prefix="/v1/search", tags=["search"])

POLL_S = 0.1

_UPLOAD = describe_upload(
    {
        "query": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "A search as JSON, where `terms` may be left out (the file is the only reference) or "
            f'say `{{"clip": "{UPLOADED}"}}` for the file, and `wait_s` says how long to wait.',
        }
    },
    {"query": '{"k": 10, "wait_s": 20}'},
)


@router.post("", response_model=SearchResponse)
def search(body: SearchBody, caller: Reader, assembly: AssemblyDep) -> Response:
    """Find the tracks nearest to a weighted sum of references."""
    terms = tuple(term.to_term(None) for term in body.terms)
    return _as_json(SearchResponse.of(assembly.search.search(body.to_request(caller.library_id, terms))))


@router.post("/batch", response_model=BatchSearchResponse)
def search_many(body: BatchSearchBody, caller: Reader, assembly: AssemblyDep) -> Response:
    """Answer several searches at once. One that cannot be answered says why, and the others go on."""
    requests = [
        each.to_request(caller.library_id, tuple(term.to_term(None) for term in each.terms))
        for each in body.searches
    ]
    answers = [
        BatchAnswerResponse(answer=SearchResponse.of(found))
        if isinstance(found, SearchAnswer)
        else BatchAnswerResponse(problem=problem_of(found))
        for found in assembly.search.search_many(requests)
    ]
    return _as_json(BatchSearchResponse(answers=answers))


@router.post("/sections")
def find_sections(body: SectionsBody, caller: Reader, assembly: AssemblyDep) -> SectionsResponse:
    """Find all sections of one track that are similar to a weighted sum of references."""
    return SectionsResponse.of(assembly.sections.find(body.to_request(caller.library_id)))


def _as_json(body: ResponseBody) -> Response:
    """Write what is of the right form already: FastAPI would check it once more, on the event loop."""
    return Response(body.model_dump_json(), media_type="application/json")


@router.post(
    "/audio",
    responses={202: {"model": WaitingResponse, "description": "The clip is not embedded yet."}},
    openapi_extra=_UPLOAD,
)
async def search_by_audio(
    request: Request, response: Response, caller: Reader, assembly: AssemblyDep, settings: SettingsDep
) -> AudioSearchResponse | WaitingResponse:
    """Upload a clip and search with it, in one call."""
    await run_in_threadpool(assembly.ingest.admit, TrackKind.CLIP)
    async with receive_upload(
        request, assembly.ports.store, fields=frozenset({"query"}), max_bytes=settings.max_upload_bytes
    ) as upload:
        body = audio_query(json_field(upload, "query"))
        ingested = await in_upload_thread(
            request,
            assembly.ingest.add_clip,
            Arrival(caller.library_id, request_id(request)),
            upload.received,
            ttl_s=settings.clip_ttl_s,
            keep_audio=True,
        )
    job = await _ended_job(assembly, ingested, settings.clip_wait_s if body.wait_s is None else body.wait_s)
    if not job.state.is_final:
        response.status_code = 202
        return WaitingResponse(clip=ClipResponse.of(ingested.track), job=JobResponse.of(job))
    _must_be_done(job)
    return await run_in_threadpool(_answer, assembly, body, caller.library_id, ingested.track.id)


def audio_query(sent: object) -> AudioSearchBody:
    """Check the query part of a search by audio. Raises ``InvalidRequest`` with all faults."""
    try:
        return AudioSearchBody.model_validate(sent)
    except ValidationError as error:
        raise refusal(error, "body", "query") from error


async def _ended_job(assembly: Assembly, ingested: Ingested, wait_s: float) -> Job:
    """Return the clip's job once it has ended, or as it is when the time is over."""
    if ingested.job is None:
        raise TypeError("a fresh clip comes with a job")
    deadline = time.monotonic() + wait_s
    job = ingested.job
    while not job.state.is_final and time.monotonic() < deadline:
        await asyncio.sleep(POLL_S)
        job = await run_in_threadpool(_read_job, assembly, job)
    return job


def _read_job(assembly: Assembly, job: Job) -> Job:
    with assembly.ports.database.transaction(read_only=True) as tx:
        return tx.queue.job(job.library_id, job.id)


def _must_be_done(job: Job) -> None:
    if job.state is JobState.FAILED:
        reason = (job.error_message or job.error_code or "").removesuffix(".")
        raise AudioRefused(f"The clip cannot be embedded: {reason}.")
    if job.state is JobState.CANCELLED:
        raise Conflict("The clip's job was cancelled. Send the clip again.")


def _answer(assembly: Assembly, body: AudioSearchBody, library_id: str, clip_id: str) -> AudioSearchResponse:
    terms = body.terms or [TermBody(clip=UPLOADED)]
    query = body.to_request(library_id, tuple(term.to_term(clip_id) for term in terms))
    answer = assembly.search.search(query)
    with assembly.ports.database.transaction(read_only=True) as tx:
        clip = tx.catalogue.track(library_id, clip_id)
    return AudioSearchResponse.with_clip(answer, ClipResponse.of(clip))
