"""Bodies of replacements and their answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, ValidationError, model_validator

from app.api.constraints_body import ConstraintsBody
from app.api.problems import refusal
from app.api.schemas import EXAMPLE_ID, RequestBody, ResponseBody
from app.api.search_schemas import (
    OF_THE_NEAREST,
    MatchResponse,
    SearchResponse,
    TermBody,
    UsedIndexResponse,
    UsedQueryResponse,
)
from app.api.text import Line
from app.briefs import Decision, Verdict
from app.replacement import (
    MAX_NEAR_MISSES,
    Check,
    ConstraintCount,
    Replacement,
    ReplacementAnswer,
    ReplacementRequest,
)
from app.retrieval import MAX_K, MAX_TERMS, SearchRequest

REPLACEMENT_EXAMPLE: Mapping[str, Any] = {
    "encoder": "csn",
    "reference": {
        "track": EXAMPLE_ID,
        "segment": {"start_s": 30, "end_s": 45},
        "weights": {"genre": 1, "mood": 0.5},
    },
    "terms": [{"tag": "piano", "weight": 0.5}],
    "constraints": {
        "licences": ["CC0", "CC-BY-4.0"],
        "duration_s": {"within": 15},
        "tempo_bpm": {"within_percent": 6, "octaves": True},
        "key": "compatible",
        "other_artist": True,
        "tags_excluded": ["vocals"],
    },
    "max_similarity": 0.98,
    "diversity": 0.1,
    "max_per_artist": 2,
    "k": 20,
    "near_misses": 10,
}


class ReplacementBody(RequestBody):
    """What shall be replaced, and what may take its place."""

    model_config = ConfigDict(json_schema_extra={"example": dict(REPLACEMENT_EXAMPLE)})
    encoder: Line | None = Field(
        default=None,
        description="Whose spaces are meant where a term does not say. Left out: the default encoder's.",
    )
    reference: TermBody = Field(description="A track or clip, or a part of one; constraints compare with it.")
    terms: Annotated[list[TermBody], Field(max_length=MAX_TERMS - 1)] = Field(
        default=[], description="What the replacement shall be like besides."
    )
    constraints: ConstraintsBody = ConstraintsBody()
    max_similarity: float | None = Field(
        default=None, ge=-1, le=1, description=f"Leave out what is closer than this. {OF_THE_NEAREST}"
    )
    diversity: float = Field(default=0.0, ge=0, le=1)
    max_per_artist: int | None = Field(
        default=None, ge=1, le=MAX_K, description=f"At most so many by one artist. {OF_THE_NEAREST}"
    )
    k: int = Field(default=20, ge=1, le=MAX_K)
    near_misses: int = Field(
        default=10, ge=0, le=MAX_NEAR_MISSES, description="How many tracks that break a constraint to show beside."
    )

    @model_validator(mode="after")
    def _refers_to_something(self) -> Self:
        if self.reference.tag is not None:
            raise ValueError("the reference is a track or a clip; a tag can be asked for in 'terms'")
        return self

    def to_request(self, library_id: str) -> ReplacementRequest:
        """Turn it into the domain's request."""
        search = SearchRequest(
            library_id=library_id,
            terms=tuple(term.to_term(None) for term in (self.reference, *self.terms)),
            encoder=self.encoder,
            k=self.k,
            max_similarity=self.max_similarity,
            diversity=self.diversity,
            max_per_artist=self.max_per_artist,
        )
        return ReplacementRequest(search, tuple(self.constraints.to_constraints()), self.near_misses)

    def to_json(self) -> dict[str, Any]:
        """Return what was sent, as it is stored of a brief."""
        return self.model_dump(mode="json", exclude_unset=True)


def stored_request(library_id: str, stored: Mapping[str, Any]) -> ReplacementRequest:
    """Read a request that a brief holds. Raises ``InvalidRequest`` where it is no longer one."""
    try:
        return ReplacementBody.model_validate(stored).to_request(library_id)
    except ValidationError as error:
        raise refusal(error, "body", "request") from error


class CheckResponse(ResponseBody):
    """Whether a track meets one constraint."""

    name: str
    met: bool
    wanted: str
    found: str

    @classmethod
    def of(cls, check: Check) -> Self:
        """Show it."""
        return cls(name=check.name, met=check.met, wanted=check.wanted, found=check.found)


class DecisionResponse(ResponseBody):
    """What was decided on a track for a brief."""

    verdict: Verdict
    reason: str
    decided_at: datetime

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """Show it."""
        return cls(verdict=decision.verdict, reason=decision.reason, decided_at=decision.decided_at)


class ReplacementMatchResponse(MatchResponse):
    """A track that was found, and how it stands to each constraint.

    ``decision`` and ``is_new`` are those of a stored brief.
    """

    constraints: list[CheckResponse]
    decision: DecisionResponse | None
    is_new: bool

    @classmethod
    def shown(cls, found: Replacement, decision: Decision | None = None, *, is_new: bool = False) -> Self:
        """Show it, with what a brief knows of it."""
        return cls(
            **dict(MatchResponse.of(found.match)),
            constraints=[CheckResponse.of(check) for check in found.checks],
            decision=DecisionResponse.of(decision) if decision else None,
            is_new=is_new,
        )


class ConstraintResponse(ResponseBody):
    """How many tracks of the library meet a constraint alone; 0 shows one that cannot be met.

    The references and their copies are not counted.
    """

    name: str
    wanted: str
    left: int

    @classmethod
    def of(cls, count: ConstraintCount) -> Self:
        """Show it."""
        return cls(name=count.name, wanted=count.wanted, left=count.left)


REPLACEMENT_ANSWER_EXAMPLE: Mapping[str, Any] = {
    "matches": [],
    "near_misses": [],
    "constraints": [{"name": "licences", "wanted": "CC0", "left": 0}],
    "query": {"encoders": ["csn"], "weights": {"genre": 0.67, "mood": 0.33}, "tags": []},
    "index": {"size": 1200, "exact": True, "recall": 1.0, "allowed": 0},
    "took_ms": {"resolve": 0.6, "filter": 0.4, "index": 0.9, "rerank": 0.3},
    "empty_because": "No track of the library meets licences: CC0.",
}


class ReplacementResponse(ResponseBody):
    """What may take the place of the reference, best first, and what nearly may."""

    model_config = ConfigDict(json_schema_extra={"example": dict(REPLACEMENT_ANSWER_EXAMPLE)})
    matches: list[ReplacementMatchResponse]
    near_misses: list[ReplacementMatchResponse] = Field(
        description="Nearest tracks that break a constraint: the fewest broken first."
    )
    constraints: list[ConstraintResponse]
    query: UsedQueryResponse
    index: UsedIndexResponse
    took_ms: dict[str, float]
    empty_because: str | None

    @classmethod
    def of(cls, answer: ReplacementAnswer) -> Self:
        """Show an answer."""
        return cls(
            **used(answer),
            matches=[ReplacementMatchResponse.shown(found) for found in answer.matches],
            near_misses=[ReplacementMatchResponse.shown(found) for found in answer.near_misses],
        )


def used(answer: ReplacementAnswer) -> dict[str, Any]:
    """Return all of an answer but what was found."""
    shown = dict(SearchResponse.of(answer.search))
    del shown["matches"]
    return {**shown, "constraints": [ConstraintResponse.of(count) for count in answer.constraints]}
