"""Weightings that people keep, to search with again."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints

from app.api.dependencies import AssemblyDep, ItemId, Reader, Writer
from app.api.schemas import EXAMPLE_ID, EXAMPLE_TIME, RequestBody, ResponseBody
from app.api.search_schemas import MAX_SPACES, Weight
from app.api.text import Line, Word
from app.weightings import Weighting

router = APIRouter(prefix="/v1/weightings", tags=["search"])


class WeightingBody(RequestBody):
    """A weighting to be kept: weights as a term of a search with this encoder takes them."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"name": "Mood first", "encoder": "csn", "weights": {"mood": 1, "genre": 0.3}}
        }
    )
    name: Annotated[Line, StringConstraints(min_length=1, max_length=200)]
    encoder: Word
    weights: Annotated[dict[Word, Weight], Field(min_length=1, max_length=MAX_SPACES)]


class WeightingResponse(ResponseBody):
    """A weighting that is kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": EXAMPLE_ID,
                "name": "Mood first",
                "encoder": "csn",
                "weights": {"mood": 1, "genre": 0.3},
                "created_at": EXAMPLE_TIME,
            }
        }
    )
    id: str
    name: str
    encoder: str
    weights: dict[str, float]
    created_at: datetime

    @classmethod
    def of(cls, weighting: Weighting) -> Self:
        """Show it."""
        return cls(
            id=weighting.id,
            name=weighting.name,
            encoder=weighting.encoder,
            weights=dict(weighting.weights),
            created_at=weighting.created_at,
        )


class WeightingList(ResponseBody):
    """All weightings of the library, by name."""

    items: list[WeightingResponse]


@router.post("", status_code=201)
def keep_weighting(body: WeightingBody, caller: Writer, assembly: AssemblyDep) -> WeightingResponse:
    """Keep weights under a name."""
    kept = assembly.weightings.add(caller.library_id, body.name, body.encoder, body.weights)
    return WeightingResponse.of(kept)


@router.get("")
def list_weightings(caller: Reader, assembly: AssemblyDep) -> WeightingList:
    """List the library's weightings."""
    return WeightingList(items=[WeightingResponse.of(each) for each in assembly.weightings.all(caller.library_id)])


@router.put("/{weighting_id}")
def replace_weighting(
    weighting_id: ItemId, body: WeightingBody, caller: Writer, assembly: AssemblyDep
) -> WeightingResponse:
    """Change name, encoder and weights."""
    kept = assembly.weightings.replace(caller.library_id, weighting_id, body.name, body.encoder, body.weights)
    return WeightingResponse.of(kept)


@router.delete("/{weighting_id}", status_code=204)
def delete_weighting(weighting_id: ItemId, caller: Writer, assembly: AssemblyDep) -> None:
    """Forget a weighting."""
    assembly.weightings.delete(caller.library_id, weighting_id)
