"""Every call of the HTTP interface that a program needs, as values: what both clients send."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from app.api.brief_schemas import (
    BriefPage,
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
from app.api.schemas import (
    ClipResponse,
    JobPage,
    JobResponse,
    TrackPage,
    TrackResponse,
    UploadedClipResponse,
    UploadedTrackResponse,
)
from app.api.search_schemas import BatchSearchResponse, SearchResponse
from app.api.section_schemas import SectionsResponse
from app.api.stats import IndexCheckResponse, KeeperResponse, StatsResponse
from app.api.tag_schemas import TrackTagsResponse, VocabularyResponse
from app.api.weightings import WeightingList, WeightingResponse
from app.briefs import Verdict
from app.client.call import Body, Call, OnSent, plain
from app.domain import JobState, TrackState

Nothing = type(None)


def upload_track(file: Path, metadata: Mapping[str, Any] | None, on_sent: OnSent) -> Call[UploadedTrackResponse]:
    """Add a file to the catalogue. The same bytes twice are one track, so sending them again does no harm."""
    fields = {"metadata": json.dumps(metadata)} if metadata else {}
    return Call("POST", "/v1/tracks", UploadedTrackResponse, file=file, fields=fields, on_sent=on_sent)


def track(track_id: str) -> Call[TrackResponse]:
    """Read a track."""
    return Call("GET", f"/v1/tracks/{track_id}", TrackResponse)


def tracks(
    *,
    where: Mapping[str, Any] | None = None,
    text: str | None = None,
    state: TrackState | None = None,
    sort: str = "-created_at",
    limit: int = 50,
    cursor: str | None = None,
) -> Call[TrackPage]:
    """List one page of the catalogue."""
    params = {
        "filter": json.dumps(where) if where else None,
        "text": text,
        "state": state,
        "sort": sort,
        "limit": limit,
        "cursor": cursor,
    }
    return Call("GET", "/v1/tracks", TrackPage, params=params)


def edit_track(track_id: str, metadata: Body) -> Call[TrackResponse]:
    """Set the metadata fields that are given."""
    return Call("PATCH", f"/v1/tracks/{track_id}", TrackResponse, body=metadata)


def remove_track(track_id: str) -> Call[None]:
    """Remove a track with all that belongs to it."""
    return Call("DELETE", f"/v1/tracks/{track_id}", Nothing, repeatable=False)


def track_tags(track_id: str, encoder: str | None, min_confidence: float) -> Call[TrackTagsResponse]:
    """Say which tags a track has."""
    params = {"encoder": encoder, "min_confidence": min_confidence}
    return Call("GET", f"/v1/tracks/{track_id}/tags", TrackTagsResponse, params=params)


def audio(track_id: str) -> Call[bytes]:
    """Read the audio of a track, whole."""
    return Call("GET", f"/v1/tracks/{track_id}/audio", bytes)


def upload_clip(
    file: Path, *, ttl_s: float | None, keep_audio: bool, on_sent: OnSent
) -> Call[UploadedClipResponse]:
    """Send a clip to search with. One that is sent twice is two clips, which both go away by themselves."""
    fields = {"keep_audio": str(keep_audio).lower()} | ({} if ttl_s is None else {"ttl_s": str(ttl_s)})
    return Call("POST", "/v1/clips", UploadedClipResponse, file=file, fields=fields, on_sent=on_sent)


def clip(clip_id: str) -> Call[ClipResponse]:
    """Read a clip."""
    return Call("GET", f"/v1/clips/{clip_id}", ClipResponse)


def job(job_id: str) -> Call[JobResponse]:
    """Read a job."""
    return Call("GET", f"/v1/jobs/{job_id}", JobResponse)


def jobs(
    *, state: JobState | None = None, subject: str | None = None, limit: int = 50, cursor: str | None = None
) -> Call[JobPage]:
    """List one page of jobs, newest first."""
    params = {"state": state, "subject": subject, "limit": limit, "cursor": cursor}
    return Call("GET", "/v1/jobs", JobPage, params=params)


def cancel_job(job_id: str) -> Call[JobResponse]:
    """Cancel a job that has not ended."""
    return Call("POST", f"/v1/jobs/{job_id}/cancel", JobResponse, repeatable=False)


def retry_job(job_id: str) -> Call[JobResponse]:
    """Queue a failed or cancelled job again."""
    return Call("POST", f"/v1/jobs/{job_id}/retry", JobResponse, repeatable=False)


def search(query: Body) -> Call[SearchResponse]:
    """Find the tracks nearest to a weighted sum of references."""
    return Call("POST", "/v1/search", SearchResponse, body=query)


def search_many(queries: Iterable[Body]) -> Call[BatchSearchResponse]:
    """Answer several searches at once."""
    body = {"searches": [plain(query) for query in queries]}
    return Call("POST", "/v1/search/batch", BatchSearchResponse, body=body)


def encoders() -> Call[EncoderList]:
    """List the encoders."""
    return Call("GET", "/v1/encoders", EncoderList)


def vocabulary(encoder: str | None) -> Call[VocabularyResponse]:
    """List the tags that an encoder knows."""
    return Call("GET", "/v1/tags", VocabularyResponse, params={"encoder": encoder})


def stats() -> Call[StatsResponse]:
    """Count."""
    return Call("GET", "/v1/stats", StatsResponse)


def check_index() -> Call[IndexCheckResponse]:
    """Compare the indexes of a replica with the database, and wait until they are."""
    return Call("POST", "/v1/index/check", IndexCheckResponse, body={}, answer_s=None)


def rebuild_index() -> Call[KeeperResponse]:
    """Build the indexes of a replica anew, and wait until they are."""
    return Call("POST", "/v1/index/rebuild", KeeperResponse, body={}, repeatable=False, answer_s=None)


def sections(question: Body) -> Call[SectionsResponse]:
    """Find all sections of one track that are similar to a query."""
    return Call("POST", "/v1/search/sections", SectionsResponse, body=question)


def propose_weights(judged: Body) -> Call[FeedbackResponse]:
    """Say what judgements of results mean for the weights."""
    return Call("POST", "/v1/feedback", FeedbackResponse, body=judged)


def weightings() -> Call[WeightingList]:
    """List the weights that were kept under a name."""
    return Call("GET", "/v1/weightings", WeightingList)


def save_weighting(name: str, encoder: str, weights: Mapping[str, float]) -> Call[WeightingResponse]:
    """Keep weights under a name."""
    body = {"name": name, "encoder": encoder, "weights": dict(weights)}
    return Call("POST", "/v1/weightings", WeightingResponse, body=body, repeatable=False)


def remove_weighting(weighting_id: str) -> Call[None]:
    """Forget weights."""
    return Call("DELETE", f"/v1/weightings/{weighting_id}", Nothing, repeatable=False)


def replace(question: Body) -> Call[ReplacementResponse]:
    """Find what may take the place of a track."""
    return Call("POST", "/v1/replacements", ReplacementResponse, body=question)


def create_brief(brief: Body) -> Call[BriefResponse]:
    """Keep a brief."""
    return Call("POST", "/v1/briefs", BriefResponse, body=brief, repeatable=False)


def briefs(*, limit: int = 50, cursor: str | None = None) -> Call[BriefPage]:
    """List one page of briefs, newest first."""
    return Call("GET", "/v1/briefs", BriefPage, params={"limit": limit, "cursor": cursor})


def brief(brief_id: str) -> Call[BriefResponse]:
    """Read a brief."""
    return Call("GET", f"/v1/briefs/{brief_id}", BriefResponse)


def edit_brief(brief_id: str, changes: Body) -> Call[BriefResponse]:
    """Change what is given of a brief."""
    return Call("PATCH", f"/v1/briefs/{brief_id}", BriefResponse, body=changes)


def remove_brief(brief_id: str) -> Call[None]:
    """Remove a brief with its decisions."""
    return Call("DELETE", f"/v1/briefs/{brief_id}", Nothing, repeatable=False)


def run_brief(brief_id: str, *, rejected: bool) -> Call[BriefRunResponse]:
    """Find what a brief asks for. What it has shown is not new the next time, so it is not sent twice."""
    path = f"/v1/briefs/{brief_id}/run"
    return Call("POST", path, BriefRunResponse, params={"rejected": str(rejected).lower()}, repeatable=False)


def decide(brief_id: str, track_id: str, verdict: Verdict, reason: str) -> Call[TrackDecisionResponse]:
    """Shortlist or reject a track."""
    path = f"/v1/briefs/{brief_id}/decisions/{track_id}"
    return Call("PUT", path, TrackDecisionResponse, body={"verdict": verdict, "reason": reason})


def withdraw_decision(brief_id: str, track_id: str) -> Call[None]:
    """Take a decision back."""
    return Call("DELETE", f"/v1/briefs/{brief_id}/decisions/{track_id}", Nothing, repeatable=False)


def decisions(brief_id: str) -> Call[DecisionList]:
    """List what was decided."""
    return Call("GET", f"/v1/briefs/{brief_id}/decisions", DecisionList)


def export_brief(brief_id: str, form: str, what: str) -> Call[bytes]:
    """Read what a brief finds, or what was shortlisted, as a file: ``csv``, ``json`` or ``m3u``."""
    return Call("GET", f"/v1/briefs/{brief_id}/export", bytes, params={"format": form, "what": what})


def gaps() -> Call[GapList]:
    """List briefs with no good answer: what the catalogue lacks."""
    return Call("GET", "/v1/briefs/gaps", GapList)


def draw_map(encoder: str | None, weights: Mapping[str, float] | None) -> Call[AskedMapResponse]:
    """Have a map drawn. Asked for twice, it is drawn once."""
    given = {"encoder": encoder, "weights": dict(weights) if weights else None}
    body = {name: value for name, value in given.items() if value is not None}
    return Call("POST", "/v1/map", AskedMapResponse, body=body)


def read_map(encoder: str | None, weights: Mapping[str, float] | None) -> Call[MapResponse]:
    """Read a map that was asked for."""
    params = {"encoder": encoder, "weights": json.dumps(dict(weights)) if weights else None}
    return Call("GET", "/v1/map", MapResponse, params=params)
