"""Bodies of looking through one track, and its answer."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field

from app.api.schemas import EXAMPLE_ID, RequestBody, ResponseBody, TrackResponse
from app.api.search_schemas import TermBody, UsedQueryResponse
from app.api.text import Line
from app.retrieval import MAX_K, MAX_TERMS
from app.services.sections import Section, SectionAnswer, SectionRequest


class SectionsBody(RequestBody):
    """What to look for in one track."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "terms": [{"track": EXAMPLE_ID, "segment": {"start_s": 30, "end_s": 45}}],
                "track": EXAMPLE_ID,
                "min_similarity": 0.8,
            }
        }
    )
    encoder: Line | None = Field(default=None, description="As of a search.")
    terms: Annotated[list[TermBody], Field(min_length=1, max_length=MAX_TERMS)]
    track: Line = Field(description="The one to look through; the terms may refer to it too.")
    min_similarity: float = Field(default=0.5, ge=-1, le=1, description="Parts below it do not count.")
    k: int = Field(default=10, ge=1, le=MAX_K)

    def to_request(self, library_id: str) -> SectionRequest:
        """Turn it into the request of the service."""
        terms = tuple(term.to_term(None) for term in self.terms)
        return SectionRequest(library_id, terms, self.track, self.encoder, self.min_similarity, self.k)


class SectionResponse(ResponseBody):
    """A stretch of the track: parts that overlap or touch are one, with the similarity of the best of them."""

    start_s: float
    end_s: float
    similarity: float

    @classmethod
    def of(cls, section: Section) -> Self:
        """Show it."""
        return cls(start_s=section.start_s, end_s=section.end_s, similarity=section.similarity)


class SectionsResponse(ResponseBody):
    """The sections of a track that are similar to the query, best first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "sections": [
                    {"start_s": 30.0, "end_s": 46.5, "similarity": 0.99},
                    {"start_s": 91.5, "end_s": 105.0, "similarity": 0.91},
                ],
                "query": {"encoders": ["csn"], "weights": {"genre": 0.5, "mood": 0.5}, "tags": []},
                "empty_because": None,
            }
        }
    )
    track: TrackResponse
    sections: list[SectionResponse]
    query: UsedQueryResponse
    empty_because: str | None

    @classmethod
    def of(cls, answer: SectionAnswer) -> Self:
        """Show an answer."""
        return cls(
            track=TrackResponse.of(answer.track),
            sections=[SectionResponse.of(section) for section in answer.sections],
            query=UsedQueryResponse.of(answer),
            empty_because=answer.empty_because,
        )
