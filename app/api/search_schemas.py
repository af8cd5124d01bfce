"""Bodies of searches and their answers."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from app.api.explanation_schemas import (
    ComponentShareResponse,
    SegmentResponse,
    SpaceShareResponse,
    TagShareResponse,
)
from app.api.filter_body import FilterTree
from app.api.schemas import EXAMPLE_ID, ClipResponse, JobResponse, RequestBody, ResponseBody, TrackResponse
from app.api.text import Line, Word
from app.retrieval import (
    MAX_DEPTH,
    MAX_K,
    MAX_TERMS,
    AnyTerm,
    Match,
    SearchAnswer,
    SearchRequest,
    TagTerm,
    Term,
    UsedTag,
)
from app.services.sections import SectionAnswer

UPLOADED = "$file"
"""What a term of a search by audio says for the file that comes with it."""

_OF_TAGS = ("weight", "space")
_OF_REFERENCES = ("weights", "segment")

MAX_SEARCHES = 100
"""Of one batch."""

OF_THE_NEAREST = (
    f"Matches are sought among the {MAX_DEPTH} nearest tracks: where fewer than `k` of those are left, the answer "
    "is shorter and not `exact`."
)
"""What a ceiling and an artist limit say of their reach."""

MAX_SPACES = 64
MAX_WEIGHT = 1e6

Weight = Annotated[float, Field(ge=-MAX_WEIGHT, le=MAX_WEIGHT, allow_inf_nan=False)]


class SegmentBody(RequestBody):
    """A part of the reference, in seconds."""

    start_s: float = Field(ge=0, le=1e7)
    end_s: float = Field(gt=0, le=1e7)

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError(f"ends at {self.end_s} s, but starts at {self.start_s} s; it must end after its start")
        return self


class TermBody(RequestBody):
    """What to ask with: a track or a clip with a weight for each space it speaks for, or a tag with one weight."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"track": EXAMPLE_ID, "weights": {"timbre": 1, "rhythm": 0.5}},
            "examples": [
                {"track": EXAMPLE_ID, "weights": {"timbre": 1, "rhythm": 0.5}},
                {"track": EXAMPLE_ID, "weights": {"csn.genre": 1, "hdpgmm": 0.5}},
                {"clip": EXAMPLE_ID, "segment": {"start_s": 30, "end_s": 45}},
                {"tag": "piano", "weight": 0.5},
                {"tag": "ambient", "space": "mood", "weight": -1},
            ],
        }
    )
    track: Line | None = None
    clip: Line | None = None
    segment: SegmentBody | None = None
    weights: Annotated[dict[Word, Weight], Field(max_length=MAX_SPACES)] | None = Field(
        default=None,
        description="Of a track or clip, by `space` of the search's encoder, or by `encoder.space` of any; the "
        "weight of an `encoder` is shared out among its spaces. None: 1 for every space of the search's encoder. "
        "A space left out: 0. Negative: contrast.",
    )
    tag: Word | None = Field(default=None, description="One that the encoder knows: GET /v1/tags lists them.")
    weight: Weight = Field(default=1.0, description="Of a tag. Negative asks for the opposite.")
    space: Word | None = Field(
        default=None, description="Of a tag that stands in several spaces, or of another encoder: the one meant."
    )

    @model_validator(mode="before")
    @classmethod
    def _is_of_one_kind(cls, sent: Any) -> Any:  # noqa: ANN401 - whatever the caller sent
        if isinstance(sent, dict):
            kinds = [kind for kind in ("track", "clip", "tag") if sent.get(kind) is not None]
            if len(kinds) != 1:
                raise ValueError(
                    "a term names exactly one of 'track', 'clip' and 'tag'; "
                    f"this one has {sorted(map(str, sent)) or 'nothing'}"
                )
            own, others = (_OF_TAGS, _OF_REFERENCES) if kinds == ["tag"] else (_OF_REFERENCES, _OF_TAGS)
            if misplaced := [name for name in others if sent.get(name) is not None]:
                raise ValueError(f"a {kinds[0]} is asked with {own[0]!r} and {own[1]!r}, not with {misplaced}")
        return sent

    def to_term(self, uploaded: str | None) -> AnyTerm:
        """Turn it into the domain's term; ``uploaded`` is the id of the clip that came with the request."""
        if self.tag is not None:
            return TagTerm(self.tag, self.weight, self.space)
        reference = self.track or self.clip or ""
        if uploaded and self.clip == UPLOADED:
            reference = uploaded
        segment = (self.segment.start_s, self.segment.end_s) if self.segment else None
        return Term(reference, self.weights, segment)


class SearchOptions(RequestBody):
    """Everything of a search but its terms."""

    encoder: Line | None = Field(
        default=None,
        description="Whose spaces are meant where a term does not say. Left out: the default encoder's.",
    )
    k: int = Field(default=20, ge=1, le=MAX_K)
    filter: FilterTree | None = None
    max_similarity: float | None = Field(
        default=None, ge=-1, le=1, description=f"Leave out what is closer than this. {OF_THE_NEAREST}"
    )
    diversity: float = Field(default=0.0, ge=0, le=1)
    max_per_artist: int | None = Field(
        default=None, ge=1, le=MAX_K, description=f"At most so many by one artist. {OF_THE_NEAREST}"
    )
    calibrate: bool = True
    explain: bool = True

    def to_request(self, library_id: str, terms: tuple[AnyTerm, ...]) -> SearchRequest:
        """Turn it into the domain's request."""
        return SearchRequest(
            library_id=library_id,
            terms=terms,
            encoder=self.encoder,
            k=self.k,
            where=self.filter.to_filter() if self.filter else None,
            max_similarity=self.max_similarity,
            diversity=self.diversity,
            max_per_artist=self.max_per_artist,
            calibrate=self.calibrate,
            explain=self.explain,
        )


class SearchBody(SearchOptions):
    """A search."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "encoder": "csn",
                "terms": [
                    {"track": EXAMPLE_ID, "weights": {"genre": 1, "mood": 0.5}},
                    {"clip": EXAMPLE_ID, "segment": {"start_s": 30, "end_s": 45}, "weights": {"tempo": 1}},
                    {"tag": "piano", "weight": 0.5},
                ],
                "k": 20,
                "filter": {
                    "all": [
                        {"field": "tempo_bpm", "gte": 90, "lte": 110},
                        {"not": {"field": "artist", "same_as_query": True}},
                    ]
                },
                "max_similarity": 0.98,
                "diversity": 0.2,
                "explain": True,
            }
        }
    )
    terms: Annotated[list[TermBody], Field(min_length=1, max_length=MAX_TERMS)]


class BatchSearchBody(RequestBody):
    """Searches that are answered together."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"searches": [{"terms": [{"track": EXAMPLE_ID}], "k": 5}]}}
    )
    searches: Annotated[list[SearchBody], Field(min_length=1, max_length=MAX_SEARCHES)]


class AudioSearchBody(SearchOptions):
    """A search by a file that comes with it. Without terms the file is the only reference."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"terms": [{"clip": UPLOADED, "weights": {"timbre": 1}}], "k": 10}}
    )
    terms: Annotated[list[TermBody], Field(min_length=1, max_length=MAX_TERMS)] | None = Field(
        default=None, description=f'A term {{"clip": "{UPLOADED}"}} means the file.'
    )
    wait_s: float | None = Field(default=None, ge=0, le=120, description="How long to wait for the clip's vectors.")


class MatchResponse(ResponseBody):
    """A track that was found."""

    track: TrackResponse
    similarity: float
    percentile: float
    by_space: dict[str, SpaceShareResponse]
    by_tag: list[TagShareResponse]
    by_component: list[ComponentShareResponse]
    segment: SegmentResponse | None

    @classmethod
    def of(cls, match: Match) -> Self:
        """Show it."""
        return cls(
            track=TrackResponse.of(match.track),
            similarity=match.similarity,
            percentile=match.percentile,
            by_space={name: SpaceShareResponse.of(share) for name, share in match.by_space.items()},
            by_tag=[TagShareResponse.of(share) for share in match.by_tag],
            by_component=[ComponentShareResponse.of(share) for share in match.by_component],
            segment=SegmentResponse.of(match.segment) if match.segment else None,
        )


class UsedTagResponse(ResponseBody):
    """A tag as it was understood, with its share of the whole query."""

    tag: str
    space: str
    weight: float

    @classmethod
    def of(cls, used: UsedTag) -> Self:
        """Show it."""
        return cls(tag=used.tag, space=used.space, weight=used.weight)


class UsedQueryResponse(ResponseBody):
    """The query as it was used: shares of the spaces, and of its tags, after normalisation and calibration.

    With several encoders spaces are called ``encoder.space``, here and in the matches.
    """

    encoders: list[str]
    weights: dict[str, float]
    tags: list[UsedTagResponse]

    @classmethod
    def of(cls, answer: SearchAnswer | SectionAnswer) -> Self:
        """Show it."""
        tags = [UsedTagResponse.of(used) for used in answer.tags]
        return cls(encoders=list(answer.encoders), weights=dict(answer.weights), tags=tags)


class UsedIndexResponse(ResponseBody):
    """What was searched: ``allowed`` is what the filter left of ``size`` tracks.

    An answer that is not ``exact`` may lack some of the best: answers like it hold the share ``recall`` of them, as
    measured on this library; one that a ceiling or an artist limit left short holds at least this share of ``k``.
    Scores and order are exact always.
    """

    size: int
    exact: bool
    recall: float
    allowed: int


class SearchResponse(ResponseBody):
    """What was found, best first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "matches": [],
                "query": {"encoders": ["librosa"], "weights": {"timbre": 0.67, "rhythm": 0.33}, "tags": []},
                "index": {"size": 1200, "exact": True, "recall": 1.0, "allowed": 0},
                "took_ms": {"resolve": 0.6, "filter": 0.4, "index": 0.9, "rerank": 0.3},
                "empty_because": "The filter left none of the 1200 indexed tracks.",
            }
        }
    )
    matches: list[MatchResponse]
    query: UsedQueryResponse
    index: UsedIndexResponse
    took_ms: dict[str, float]
    empty_because: str | None

    @classmethod
    def of(cls, answer: SearchAnswer) -> Self:
        """Show an answer."""
        return cls(**_answer(answer))


class BatchAnswerResponse(ResponseBody):
    """What one search found, or, as a problem response says it, why it cannot be answered."""

    answer: SearchResponse | None = None
    problem: dict[str, Any] | None = None


class BatchSearchResponse(ResponseBody):
    """One answer for each search, in their order."""

    model_config = ConfigDict(json_schema_extra={"example": {"answers": []}})
    answers: list[BatchAnswerResponse]


class AudioSearchResponse(SearchResponse):
    """What was found, and the clip, which can be searched with again until it expires."""

    clip: ClipResponse

    @classmethod
    def with_clip(cls, answer: SearchAnswer, clip: ClipResponse) -> Self:
        """Show an answer beside its clip."""
        return cls(**_answer(answer), clip=clip)


def _answer(answer: SearchAnswer) -> dict[str, Any]:
    return {
        "matches": [MatchResponse.of(match) for match in answer.matches],
        "query": UsedQueryResponse.of(answer),
        "index": UsedIndexResponse(
            size=answer.indexed, exact=answer.exact, recall=answer.recall, allowed=answer.allowed
        ),
        "took_ms": dict(answer.took_ms),
        "empty_because": answer.empty_because,
    }


class WaitingResponse(ResponseBody):
    """The clip is not embedded yet: search with it once its job is done."""

    clip: ClipResponse
    job: JobResponse
