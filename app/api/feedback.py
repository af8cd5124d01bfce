"""Feedback on results: which weights were perhaps meant."""

from typing import Annotated, Any, Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from app.api.dependencies import AssemblyDep, Reader
from app.api.schemas import EXAMPLE_ID, RequestBody, ResponseBody
from app.api.search_schemas import SearchBody
from app.api.text import Line
from app.services.feedback import MAX_EARLIER, MAX_JUDGED, JudgedSearch, TermProposal, WeightProposal
from app.services.weight_changes import WeightChange

router = APIRouter(prefix="/v1/feedback", tags=["search"])

TrackIds = Annotated[list[Line], Field(max_length=MAX_JUDGED)]

_SEARCH: dict[str, Any] = {
    "encoder": "csn",
    "terms": [{"track": EXAMPLE_ID, "weights": {"genre": 1, "mood": 1}}],
    "k": 20,
}
_LIKED = EXAMPLE_ID.replace("55", "56")


class JudgedSearchBody(RequestBody):
    """A search as it was asked, and which tracks were liked and disliked, found by it or not."""

    model_config = ConfigDict(json_schema_extra={"example": {"search": _SEARCH, "liked": [_LIKED], "disliked": []}})
    search: SearchBody
    liked: TrackIds = Field(default_factory=list)
    disliked: TrackIds = Field(default_factory=list)

    def to_judged(self, library_id: str) -> JudgedSearch:
        """Turn it into the domain's value."""
        terms = tuple(term.to_term(None) for term in self.search.terms)
        return JudgedSearch(self.search.to_request(library_id, terms), self.liked, self.disliked)


class FeedbackBody(JudgedSearchBody):
    """The present search and its judgements, and those of the searches before it whose proposals were accepted."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"search": _SEARCH, "liked": [_LIKED], "disliked": [], "earlier": []},
        }
    )
    earlier: Annotated[list[JudgedSearchBody], Field(max_length=MAX_EARLIER)] = Field(
        default_factory=list,
        description="Earlier rounds, oldest first, each with the weights that it was asked with. A judgement is "
        "relative to what was shown beside, so it is sent with its own search. Begin anew when weights are set by "
        "hand or terms come and go: a round with other terms, or one that wants the opposite of a later one, is "
        "refused.",
    )

    def to_rounds(self, library_id: str) -> list[JudgedSearch]:
        """Turn it into the domain's values, the present search last."""
        return [each.to_judged(library_id) for each in (*self.earlier, self)]


class WeightsResponse(ResponseBody):
    """Weights of a term by space, before and after; a tag has one, in its own space."""

    old: dict[str, float]
    new: dict[str, float]


class WeightChangeResponse(ResponseBody):
    """What a space, or the tag in it, counts before and after, and the reason in a plain sentence."""

    space: str
    old: float
    new: float
    why: str

    @classmethod
    def of(cls, change: WeightChange) -> Self:
        """Show it."""
        return cls(space=change.space, old=change.old, new=change.new, why=change.why)


class TermProposalResponse(ResponseBody):
    """What a term of the search should count: ``term`` is its place there, from 0."""

    term: int
    weights: WeightsResponse
    changes: list[WeightChangeResponse]

    @classmethod
    def of(cls, proposal: TermProposal) -> Self:
        """Show it."""
        return cls(
            term=proposal.term,
            weights=WeightsResponse(old=dict(proposal.old), new=dict(proposal.new)),
            changes=[WeightChangeResponse.of(each) for each in proposal.changes],
        )


class FeedbackResponse(ResponseBody):
    """A proposal of weights for all terms of the search together; the largest of all is 1 in magnitude."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "encoder": "csn",
                "terms": [
                    {
                        "term": 0,
                        "weights": {"old": {"genre": 1, "mood": 1}, "new": {"genre": 0.4, "mood": 1}},
                        "changes": [
                            {
                                "space": "genre",
                                "old": 1,
                                "new": 0.4,
                                "why": "You liked tracks that are far off in genre (mean similarity 0.31; 0.72 of "
                                "the others), so genre counts less.",
                            }
                        ],
                    }
                ],
                "judgements": 1,
                "certainty": 0.78,
            }
        }
    )
    encoder: str
    terms: list[TermProposalResponse]
    judgements: int
    certainty: float = Field(
        description="0 to 1: the cosine that is to be expected between the new weights and those that are meant; 0 "
        "where the judgements tell nothing, such as when everything that was shown was liked."
    )

    @classmethod
    def of(cls, proposal: WeightProposal) -> Self:
        """Show it."""
        return cls(
            encoder=proposal.encoder,
            terms=[TermProposalResponse.of(each) for each in proposal.terms],
            judgements=proposal.judgements,
            certainty=proposal.certainty,
        )


@router.post("")
def propose_weights(body: FeedbackBody, caller: Reader, assembly: AssemblyDep) -> FeedbackResponse:
    """Propose weights from what is liked and disliked among results. Nothing is stored."""
    return FeedbackResponse.of(assembly.feedback.propose(body.to_rounds(caller.library_id)))
