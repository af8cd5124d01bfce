"""Bodies of stored briefs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from app.api.replacement_schemas import (
    REPLACEMENT_ANSWER_EXAMPLE,
    REPLACEMENT_EXAMPLE,
    ConstraintResponse,
    DecisionResponse,
    ReplacementBody,
    ReplacementMatchResponse,
    ReplacementResponse,
    used,
)
from app.api.schemas import EXAMPLE_ID, EXAMPLE_TIME, RequestBody, ResponseBody, TrackResponse
from app.api.text import Line, no_control_characters
from app.api.webhook_url import WebhookUrl
from app.briefs import Decision, Delivery, Verdict, Webhook
from app.domain import Track
from app.replacement import Replacement
from app.services.brief_gaps import Gap
from app.services.brief_runs import BriefRun
from app.services.briefs import BriefView

MAX_NOTE = 10_000
"""Characters."""

Name = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(max_length=MAX_NOTE), AfterValidator(no_control_characters)]


class WebhookBody(RequestBody):
    """Whom to tell of new matches."""

    model_config = ConfigDict(json_schema_extra={"example": {"url": "https://example.org/soundkin"}})
    url: WebhookUrl


class BriefBody(RequestBody):
    """A brief to be kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Rain scene",
                "note": "Episode 3, 00:12:40",
                "request": dict(REPLACEMENT_EXAMPLE),
                "webhook": {"url": "https://example.org/soundkin"},
            }
        }
    )
    name: Name
    note: Note = ""
    request: ReplacementBody
    webhook: WebhookBody | None = None


class BriefChangesBody(RequestBody):
    """What to change of a brief; the rest stays. ``webhook``: null tells nobody any more."""

    model_config = ConfigDict(json_schema_extra={"example": {"note": "Found it", "webhook": None}})
    name: Name | None = None
    note: Note | None = None
    request: ReplacementBody | None = None
    webhook: WebhookBody | None = None

    @model_validator(mode="after")
    def _keeps_what_a_brief_needs(self) -> Self:
        needed = ("name", "note", "request")
        if gone := [name for name in needed if name in self.model_fields_set and getattr(self, name) is None]:
            raise ValueError(f"a brief cannot be without {', '.join(gone)}: leave out what shall stay as it is")
        return self

    def changes(self) -> dict[str, Any]:
        """Return what was sent."""
        sent: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set & {"name", "note"}}
        if self.request is not None:
            sent["request"] = self.request.to_json()
        if "webhook" in self.model_fields_set:
            sent["webhook_url"] = self.webhook.url if self.webhook else None
        return sent


class WebhookResponse(ResponseBody):
    """Who is told. The secret that signs is shown once: in the answer to the call that set the webhook."""

    url: str
    secret: str | None = Field(default=None, exclude_if=lambda secret: secret is None)

    @classmethod
    def of(cls, webhook: Webhook, *, with_secret: bool) -> Self:
        """Show it."""
        return cls(url=webhook.url, secret=webhook.secret if with_secret else None)


_BRIEF_EXAMPLE: Mapping[str, Any] = {
    "id": EXAMPLE_ID,
    "name": "Rain scene",
    "note": "Episode 3, 00:12:40",
    "request": dict(REPLACEMENT_EXAMPLE),
    "reference": None,
    "webhook": {"url": "https://example.org/soundkin"},
    "shortlisted": 2,
    "rejected": 5,
    "seen": 20,
    "created_at": EXAMPLE_TIME,
    "updated_at": EXAMPLE_TIME,
    "last_run_at": EXAMPLE_TIME,
}


class BriefResponse(ResponseBody):
    """A brief, and what has come of it."""

    model_config = ConfigDict(json_schema_extra={"example": dict(_BRIEF_EXAMPLE)})
    id: str
    name: str
    note: str
    request: dict[str, Any] = Field(description="As it was sent: what POST /v1/replacements takes.")
    reference: TrackResponse | None = Field(description="Null once the track or clip was deleted.")
    webhook: WebhookResponse | None
    shortlisted: int
    rejected: int
    seen: int = Field(description="How many tracks its runs have shown.")
    created_at: datetime
    updated_at: datetime
    last_run_at: datetime | None

    @classmethod
    def of(cls, view: BriefView, *, with_secret: bool = False) -> Self:
        """Show it."""
        brief = view.brief
        return cls(
            id=brief.id,
            name=brief.name,
            note=brief.note,
            request=dict(brief.request),
            reference=TrackResponse.of(view.reference) if view.reference else None,
            webhook=WebhookResponse.of(brief.webhook, with_secret=with_secret) if brief.webhook else None,
            shortlisted=view.counts.shortlisted,
            rejected=view.counts.rejected,
            seen=view.counts.seen,
            created_at=brief.created_at,
            updated_at=brief.updated_at,
            last_run_at=brief.last_run_at,
        )


class BriefPage(ResponseBody):
    """One page of briefs, newest first; ``next_cursor`` is null at the end."""

    items: list[BriefResponse]
    next_cursor: str | None


class BriefRunResponse(ReplacementResponse):
    """What a brief finds now. ``new``: how many of the matches no earlier run has shown."""

    model_config = ConfigDict(json_schema_extra={"example": {**REPLACEMENT_ANSWER_EXAMPLE, "new": 0}})
    new: int

    @classmethod
    def shown(cls, run: BriefRun) -> Self:
        """Show a run."""

        def match(found: Replacement) -> ReplacementMatchResponse:
            number = found.match.track.number
            return ReplacementMatchResponse.shown(found, run.decisions.get(number), is_new=number in run.new)

        return cls(
            **used(run.answer),
            matches=[match(found) for found in run.answer.matches],
            near_misses=[match(found) for found in run.answer.near_misses],
            new=len(run.new),
        )


class DecisionBody(RequestBody):
    """What is thought of a track for a brief."""

    model_config = ConfigDict(json_schema_extra={"example": {"verdict": "rejected", "reason": "Too bright"}})
    verdict: Verdict
    reason: Line = Field(default="", description="A rejection needs one.")

    @model_validator(mode="after")
    def _says_why_not(self) -> Self:
        if self.verdict is Verdict.REJECTED and not self.reason:
            raise ValueError("a rejection needs a reason: others shall know why the track will not do")
        return self


class TrackDecisionResponse(DecisionResponse):
    """A decision with its track."""

    track: TrackResponse

    @classmethod
    def on(cls, track: Track, decision: Decision) -> Self:
        """Show it."""
        return cls(**dict(DecisionResponse.of(decision)), track=TrackResponse.of(track))


class DecisionList(ResponseBody):
    """Every decision of a brief, the latest last."""

    items: list[TrackDecisionResponse]


class DeliveryResponse(ResponseBody):
    """A message to the webhook. ``due_at`` is null once it was delivered or given up."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": EXAMPLE_ID,
                "attempts": 1,
                "due_at": None,
                "delivered_at": EXAMPLE_TIME,
                "error": None,
                "created_at": EXAMPLE_TIME,
            }
        }
    )
    id: str
    attempts: int
    due_at: datetime | None
    delivered_at: datetime | None
    error: str | None
    created_at: datetime

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Show it."""
        return cls(
            id=delivery.id,
            attempts=delivery.attempts,
            due_at=delivery.due_at,
            delivered_at=delivery.delivered_at,
            error=delivery.error,
            created_at=delivery.created_at,
        )


class DeliveryList(ResponseBody):
    """The last messages of a brief, newest first."""

    items: list[DeliveryResponse]


class GapResponse(ResponseBody):
    """A brief that nothing answers well."""

    brief: BriefResponse
    best: float | None = Field(description="Similarity of the best match; null where nothing matches.")
    matches: int
    reason: str
    constraints: list[ConstraintResponse]

    @classmethod
    def of(cls, gap: Gap) -> Self:
        """Show it."""
        return cls(
            brief=BriefResponse.of(gap.view),
            best=gap.best,
            matches=gap.matches,
            reason=gap.reason,
            constraints=[ConstraintResponse.of(count) for count in gap.constraints],
        )


class GapList(ResponseBody):
    """What the catalogue lacks, the worst first."""

    items: list[GapResponse]
