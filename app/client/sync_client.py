"""The client that waits."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from app.client.listing import items_of
from app.client.patience import Patience, away
from app.client.waiting import LOOK_S, must_be_done
from app.domain import JobState, TrackState

T = TypeVar("T")


class Client:
    """Calls the service, and waits while it is away or busy. Safe to use from several threads at once.

    What a method sends and returns stands in ``app.client.calls``. Each may raise ``ServiceRefused`` with the
    service's own words, and ``ServiceAway`` once nothing has answered for two minutes.

    Args:
        url: Of the service, without ``/v1``.
        key: Sent as a bearer token.
        sleep: Waits so many seconds; may raise to stop the client.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._sleep = sleep
        self._http = httpx.Client(**connection(self.url, key))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def greet(self) -> None:
        """Raise ``ServiceAway`` at once if nothing answers."""
        try:
            self._http.get("/healthz")
        except httpx.TransportError as error:
            raise away(self.url, error) from error

    def do(self, call: Call[T]) -> T:
        """Send a call until there is an answer that will not change by itself."""
        patience = Patience(self.url, repeatable=call.repeatable)
        while True:
            try:
                with call.request() as request:
                    response = self._http.request(**request)
            except httpx.TransportError as error:
                pause_s = patience.pause_s(error)
            else:
                pause_s = patience.pause_s(response)
                if pause_s is None:
                    return call.read(response)
            self._sleep(pause_s or 0.0)

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Json:
        """Read something that has no method of its own."""
        return self.do(Call("GET", path, Json, params=params or {}))

    def post(self, path: str, body: Body) -> Json:
        """Ask something that has no method of its own."""
        return self.do(Call("POST", path, Json, body=body))

    def upload_track(
        self, file: Path, metadata: Mapping[str, Any] | None = None, *, on_sent: OnSent = unheard
    ) -> UploadedTrackResponse:
        return self.do(calls.upload_track(file, metadata, on_sent))

    def track(self, track_id: str) -> TrackResponse:
        return self.do(calls.track(track_id))

    def edit_track(self, track_id: str, metadata: Body) -> TrackResponse:
        return self.do(calls.edit_track(track_id, metadata))

    def remove_track(self, track_id: str) -> None:
        self.do(calls.remove_track(track_id))

    def track_tags(
        self, track_id: str, encoder: str | None = None, min_confidence: float = 0.5
    ) -> TrackTagsResponse:
        return self.do(calls.track_tags(track_id, encoder, min_confidence))

    def audio(self, track_id: str) -> bytes:
        return self.do(calls.audio(track_id))

    def upload_clip(
        self, file: Path, *, ttl_s: float | None = None, keep_audio: bool = True, on_sent: OnSent = unheard
    ) -> UploadedClipResponse:
        return self.do(calls.upload_clip(file, ttl_s=ttl_s, keep_audio=keep_audio, on_sent=on_sent))

    def clip(self, clip_id: str) -> ClipResponse:
        return self.do(calls.clip(clip_id))

    def job(self, job_id: str) -> JobResponse:
        return self.do(calls.job(job_id))

    def cancel_job(self, job_id: str) -> JobResponse:
        return self.do(calls.cancel_job(job_id))

    def retry_job(self, job_id: str) -> JobResponse:
        return self.do(calls.retry_job(job_id))

    def search(self, query: Body) -> SearchResponse:
        return self.do(calls.search(query))

    def search_many(self, queries: Iterable[Body]) -> BatchSearchResponse:
        return self.do(calls.search_many(queries))

    def encoders(self) -> EncoderList:
        return self.do(calls.encoders())

    def vocabulary(self, encoder: str | None = None) -> VocabularyResponse:
        return self.do(calls.vocabulary(encoder))

    def stats(self) -> StatsResponse:
        return self.do(calls.stats())

    def tracks(
        self,
        *,
        where: Mapping[str, Any] | None = None,
        text: str | None = None,
        state: TrackState | None = None,
        sort: str = "-created_at",
    ) -> Iterator[TrackResponse]:
        """Give them one after the other, page by page."""
        return items_of(
            lambda cursor: self.do(calls.tracks(where=where, text=text, state=state, sort=sort, cursor=cursor))
        )

    def jobs(self, *, state: JobState | None = None, subject: str | None = None) -> Iterator[JobResponse]:
        """Give them one after the other, page by page."""
        return items_of(lambda cursor: self.do(calls.jobs(state=state, subject=subject, cursor=cursor)))

    def sections(self, question: Body) -> SectionsResponse:
        return self.do(calls.sections(question))

    def propose_weights(self, judged: Body) -> FeedbackResponse:
        return self.do(calls.propose_weights(judged))

    def weightings(self) -> WeightingList:
        return self.do(calls.weightings())

    def save_weighting(self, name: str, encoder: str, weights: Mapping[str, float]) -> WeightingResponse:
        return self.do(calls.save_weighting(name, encoder, weights))

    def remove_weighting(self, weighting_id: str) -> None:
        self.do(calls.remove_weighting(weighting_id))

    def replace(self, question: Body) -> ReplacementResponse:
        return self.do(calls.replace(question))

    def create_brief(self, brief: Body) -> BriefResponse:
        return self.do(calls.create_brief(brief))

    def brief(self, brief_id: str) -> BriefResponse:
        return self.do(calls.brief(brief_id))

    def edit_brief(self, brief_id: str, changes: Body) -> BriefResponse:
        return self.do(calls.edit_brief(brief_id, changes))

    def remove_brief(self, brief_id: str) -> None:
        self.do(calls.remove_brief(brief_id))

    def run_brief(self, brief_id: str, *, rejected: bool = False) -> BriefRunResponse:
        return self.do(calls.run_brief(brief_id, rejected=rejected))

    def decide(self, brief_id: str, track_id: str, verdict: Verdict, reason: str = "") -> TrackDecisionResponse:
        return self.do(calls.decide(brief_id, track_id, verdict, reason))

    def withdraw_decision(self, brief_id: str, track_id: str) -> None:
        self.do(calls.withdraw_decision(brief_id, track_id))

    def decisions(self, brief_id: str) -> DecisionList:
        return self.do(calls.decisions(brief_id))

    def export_brief(self, brief_id: str, form: str = "csv", what: str = "matches") -> bytes:
        return self.do(calls.export_brief(brief_id, form, what))

    def gaps(self) -> GapList:
        return self.do(calls.gaps())

    def draw_map(self, encoder: str | None = None, weights: Mapping[str, float] | None = None) -> AskedMapResponse:
        return self.do(calls.draw_map(encoder, weights))

    def read_map(self, encoder: str | None = None, weights: Mapping[str, float] | None = None) -> MapResponse:
        return self.do(calls.read_map(encoder, weights))

    def briefs(self) -> Iterator[BriefResponse]:
        """Give them one after the other, page by page."""
        return items_of(lambda cursor: self.do(calls.briefs(cursor=cursor)))

    def wait(self, job_id: str) -> JobResponse:
        """Return when a job is done. Raises ``JobGivenUp`` with its reason when it has failed or was cancelled."""
        job = self.job(job_id)
        while not job.state.is_final:
            self._sleep(LOOK_S)
            job = self.job(job_id)
        return must_be_done(job)

    def add(
        self, file: Path, metadata: Mapping[str, Any] | None = None, *, on_sent: OnSent = unheard
    ) -> TrackResponse:
        """Add a file to the catalogue and return when it is embedded. Raises ``JobGivenUp``."""
        uploaded = self.upload_track(file, metadata, on_sent=on_sent)
        if uploaded.job is not None and uploaded.track.state is not TrackState.READY:
            self.wait(uploaded.job.id)
        return self.track(uploaded.track.id)

    def listen(self, file: Path, *, on_sent: OnSent = unheard) -> ClipResponse:
        """Send a file as a clip and return when it can be searched with. Raises ``JobGivenUp``."""
        uploaded = self.upload_clip(file, on_sent=on_sent)
        self.wait(uploaded.job.id)
        return self.clip(uploaded.clip.id)
