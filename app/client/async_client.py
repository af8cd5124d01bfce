"""The client for programs that do other things meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from app.api.brief_schemas import (
    BriefResponse,
    BriefRunResponse,
    DecisionList,
    GapList,
    TrackDecisionResponse,
)
from app.api.encoders import EncoderList
from app.api.feedback import FeedbackResponse
from app.api.map_schemas import AskedMapResponse, MapResponse
from app.api.replacement_schemas import ReplacementResponse
from app.api.schemas import ClipResponse, JobResponse, TrackResponse, UploadedClipResponse, UploadedTrackResponse
from app.api.search_schemas import BatchSearchResponse, SearchResponse
from app.api.section_schemas import SectionsResponse
from app.api.stats import StatsResponse
from app.api.tag_schemas import TrackTagsResponse, VocabularyResponse
from app.api.weightings import WeightingList, WeightingResponse
from app.briefs import Verdict
from app.client import calls
from app.client.call import Body, Call, Json, OnSent, connection, unheard
from app.client.listing import items_coming
from app.client.patience import Patience, away
from app.client.waiting import LOOK_S, must_be_done
from app.domain import JobState, TrackState

T = TypeVar("T")


class AsyncClient:
    """As ``Client``, on an event loop."""

    def __init__(self, url: str = "http://127.0.0.1:8000", key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(**connection(self.url, key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give back the connections."""
        await self._http.aclose()

    async def greet(self) -> None:
        """Raise ``ServiceAway`` at once if nothing answers."""
        try:
            await self._http.get("/healthz")
        except httpx.TransportError as error:
            raise away(self.url, error) from error

    async def do(self, call: Call[T]) -> T:
        """Send a call until there is an answer that will not change by itself."""
        patience = Patience(self.url, repeatable=call.repeatable)
        while True:
            try:
                with call.request() as request:
                    response = await self._http.request(**request)
            except httpx.TransportError as error:
                pause_s = patience.pause_s(error)
            else:
                pause_s = patience.pause_s(response)
                if pause_s is None:
                    return call.read(response)
            await asyncio.sleep(pause_s or 0.0)

    async def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """Read something that has no method of its own."""
        return await self.do(Call("GET", path, Json, params=params or {}))

    async def post(self, path: str, body: Body) -> Json:
        """Ask something that has no method of its own."""
        return await self.do(Call("POST", path, Json, body=body))

    async def upload_track(
        self, file: Path, metadata: Mapping[str, Any] | None = None, *, on_sent: OnSent = unheard
    ) -> UploadedTrackResponse:
        return await self.do(calls.upload_track(file, metadata, on_sent))

    async def track(self, track_id: str) -> TrackResponse:
        return await self.do(calls.track(track_id))

    async def edit_track(self, track_id: str, metadata: Body) -> TrackResponse:
        return await self.do(calls.edit_track(track_id, metadata))

    async def remove_track(self, track_id: str) -> None:
        await self.do(calls.remove_track(track_id))

    async def track_tags(
        self, track_id: str, encoder: str | None = None, min_confidence: float = 0.5
    ) -> TrackTagsResponse:
        return await self.do(calls.track_tags(track_id, encoder, min_confidence))

    async def audio(self, track_id: str) -> bytes:
        return await self.do(calls.audio(track_id))

    async def upload_clip(
        self, file: Path, *, ttl_s: float | None = None, keep_audio: bool = True, on_sent: OnSent = unheard
    ) -> UploadedClipResponse:
        return await self.do(calls.upload_clip(file, ttl_s=ttl_s, keep_audio=keep_audio, on_sent=on_sent))

    async def clip(self, clip_id: str) -> ClipResponse:
        return await self.do(calls.clip(clip_id))

    async def job(self, job_id: str) -> JobResponse:
        return await self.do(calls.job(job_id))

    async def cancel_job(self, job_id: str) -> JobResponse:
        return await self.do(calls.cancel_job(job_id))

    async def retry_job(self, job_id: str) -> JobResponse:
        return await self.do(calls.retry_job(job_id))

    async def search(self, query: Body) -> SearchResponse:
        return await self.do(calls.search(query))

    async def search_many(self, queries: Iterable[Body]) -> BatchSearchResponse:
        return await self.do(calls.search_many(queries))

    async def encoders(self) -> EncoderList:
        return await self.do(calls.encoders())

    async def vocabulary(self, encoder: str | None = None) -> VocabularyResponse:
        return await self.do(calls.vocabulary(encoder))

    async def stats(self) -> StatsResponse:
        return await self.do(calls.stats())

    def tracks(
        self,
        *,
        where: Mapping[str, Any] | None = None,
        text: str | None = None,
        state: TrackState | None = None,
        sort: str = "-created_at",
    ) -> AsyncIterator[TrackResponse]:
        """Give them one after the other, page by page."""
        return items_coming(
            lambda cursor: self.do(calls.tracks(where=where, text=text, state=state, sort=sort, cursor=cursor))
        )

    def jobs(self, *, state: JobState | None = None, subject: str | None = None) -> AsyncIterator[JobResponse]:
        """Give them one after the other, page by page."""
        return items_coming(lambda cursor: self.do(calls.jobs(state=state, subject=subject, cursor=cursor)))

    async def sections(self, question: Body) -> SectionsResponse:
        return await self.do(calls.sections(question))

    async def propose_weights(self, judged: Body) -> FeedbackResponse:
        return await self.do(calls.propose_weights(judged))

    async def weightings(self) -> WeightingList:
        return await self.do(calls.weightings())

    async def save_weighting(self, name: str, encoder: str, weights: Mapping[str, float]) -> WeightingResponse:
        return await self.do(calls.save_weighting(name, encoder, weights))

    async def remove_weighting(self, weighting_id: str) -> None:
        await self.do(calls.remove_weighting(weighting_id))

    async def replace(self, question: Body) -> ReplacementResponse:
        return await self.do(calls.replace(question))

    async def create_brief(self, brief: Body) -> BriefResponse:
        return await self.do(calls.create_brief(brief))

    async def brief(self, brief_id: str) -> BriefResponse:
        return await self.do(calls.brief(brief_id))

    async def edit_brief(self, brief_id: str, changes: Body) -> BriefResponse:
        return await self.do(calls.edit_brief(brief_id, changes))

    async def remove_brief(self, brief_id: str) -> None:
        await self.do(calls.remove_brief(brief_id))

    async def run_brief(self, brief_id: str, *, rejected: bool = False) -> BriefRunResponse:
        return await self.do(calls.run_brief(brief_id, rejected=rejected))

    async def decide(
        self, brief_id: str, track_id: str, verdict: Verdict, reason: str = ""
    ) -> TrackDecisionResponse:
        return await self.do(calls.decide(brief_id, track_id, verdict, reason))

    async def withdraw_decision(self, brief_id: str, track_id: str) -> None:
        await self.do(calls.withdraw_decision(brief_id, track_id))

    async def decisions(self, brief_id: str) -> DecisionList:
        return await self.do(calls.decisions(brief_id))

    async def export_brief(self, brief_id: str, form: str = "csv", what: str = "matches") -> bytes:
        return await self.do(calls.export_brief(brief_id, form, what))

    async def gaps(self) -> GapList:
        return await self.do(calls.gaps())

    async def draw_map(
        self, encoder: str | None = None, weights: Mapping[str, float] | None = None
    ) -> AskedMapResponse:
        return await self.do(calls.draw_map(encoder, weights))

    async def read_map(self, encoder: str | None = None, weights: Mapping[str, float] | None = None) -> MapResponse:
        return await self.do(calls.read_map(encoder, weights))

    def briefs(self) -> AsyncIterator[BriefResponse]:
        """Give them one after the other, page by page."""
        return items_coming(lambda cursor: self.do(calls.briefs(cursor=cursor)))

    async def wait(self, job_id: str) -> JobResponse:
        """Return when a job is done. Raises ``JobGivenUp`` with its reason when it has failed or was cancelled."""
        job = await self.job(job_id)
        while not job.state.is_final:
            await asyncio.sleep(LOOK_S)
            job = await self.job(job_id)
        return must_be_done(job)

    async def add(
        self, file: Path, metadata: Mapping[str, Any] | None = None, *, on_sent: OnSent = unheard
    ) -> TrackResponse:
        """Add a file to the catalogue and return when it is embedded. Raises ``JobGivenUp``."""
        uploaded = await self.upload_track(file, metadata, on_sent=on_sent)
        if uploaded.job is not None and uploaded.track.state is not TrackState.READY:
            await self.wait(uploaded.job.id)
        return await self.track(uploaded.track.id)

    async def listen(self, file: Path, *, on_sent: OnSent = unheard) -> ClipResponse:
        """Send a file as a clip and return when it can be searched with. Raises ``JobGivenUp``."""
        uploaded = await self.upload_clip(file, on_sent=on_sent)
        await self.wait(uploaded.job.id)
        return await self.clip(uploaded.clip.id)
