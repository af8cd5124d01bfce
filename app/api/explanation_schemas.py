"""Why a track was found, in answers: what spaces, tags and components say, and the parts that belong together."""

from typing import Self

from pydantic import Field

from app.api.schemas import ResponseBody
from app.retrieval import ComponentShare, ReferencePart, SegmentMatch, SpaceShare, TagShare


class SpaceShareResponse(ResponseBody):
    """What one space says of a match; contributions of all spaces sum to its similarity."""

    similarity: float
    weight: float
    contribution: float

    @classmethod
    def of(cls, share: SpaceShare) -> Self:
        """Show it."""
        return cls(similarity=share.similarity, weight=share.weight, contribution=share.contribution)


class TagShareResponse(ResponseBody):
    """What one tag of the query says of a match; its contribution is a part of that of its space."""

    tag: str
    space: str
    similarity: float
    weight: float
    contribution: float

    @classmethod
    def of(cls, share: TagShare) -> Self:
        """Show it."""
        return cls(
            tag=share.tag,
            space=share.space,
            similarity=share.similarity,
            weight=share.weight,
            contribution=share.contribution,
        )


class ComponentShareResponse(ResponseBody):
    """What one component says of a match that shares it with the query; part of its space's contribution."""

    space: str
    component: int = Field(description="Its place in the space, as `GET /v1/encoders/{name}/components` has it.")
    tags: list[str]
    contribution: float

    @classmethod
    def of(cls, share: ComponentShare) -> Self:
        """Show it."""
        return cls(
            space=share.space,
            component=share.component,
            tags=list(share.tags),
            contribution=share.contribution,
        )


class ReferencePartResponse(ResponseBody):
    """A part of a reference: ``id`` is that of the track or clip."""

    id: str
    start_s: float
    end_s: float

    @classmethod
    def of(cls, part: ReferencePart) -> Self:
        """Show it."""
        return cls(id=part.id, start_s=part.start_s, end_s=part.end_s)


class SegmentResponse(ResponseBody):
    """The part of a match that is closest to the query.

    ``reference`` is the part closest to it of the first track or clip that the query asks for: the two belong
    together. It is null where the query asks with tags and contrasts alone.
    """

    start_s: float
    end_s: float
    similarity: float
    reference: ReferencePartResponse | None

    @classmethod
    def of(cls, segment: SegmentMatch) -> Self:
        """Show it."""
        return cls(
            start_s=segment.start_s,
            end_s=segment.end_s,
            similarity=segment.similarity,
            reference=None if segment.reference is None else ReferencePartResponse.of(segment.reference),
        )
