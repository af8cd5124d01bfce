"""Components: what an encoder's dimensions mean, and what they are in the caller's library."""

from typing import Annotated, Self

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from app.api.dependencies import AssemblyDep, Reader
from app.api.schemas import ResponseBody, TrackResponse
from app.api.text import Line
from app.services.components import ComponentStanding, ComponentTable, component_table

router = APIRouter(prefix="/v1/encoders", tags=["encoders"])


class ComponentTagResponse(ResponseBody):
    """A tag, and how many times as much of the component its tracks use as all tracks do."""

    tag: str
    lift: float


class ComponentTrackResponse(ResponseBody):
    """A track, and the share of it that is the component."""

    track: TrackResponse
    share: float = Field(ge=0, le=1)


class ComponentResponse(ResponseBody):
    """A component: what it means by the music that it was learnt from, and its share of that and of the library."""

    space: str
    component: int
    tags: list[ComponentTagResponse]
    learnt_share: float = Field(ge=0, le=1)
    share: float = Field(ge=0, le=1)
    tracks: list[ComponentTrackResponse]

    @classmethod
    def of(cls, standing: ComponentStanding) -> Self:
        """Show it."""
        return cls(
            space=standing.space,
            component=standing.number,
            tags=[ComponentTagResponse(tag=tag, lift=lift) for tag, lift in standing.meaning.tags],
            learnt_share=standing.meaning.share,
            share=min(1.0, standing.share),
            tracks=[
                ComponentTrackResponse(track=TrackResponse.of(track), share=min(1.0, share))
                for track, share in standing.best
            ],
        )


class ComponentList(ResponseBody):
    """All components of an encoder, those with the greatest shares of the library first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "encoder": "hdpgmm",
                "version": "1",
                "digest": "9f86d081…",
                "tracks": 1200,
                "items": [
                    {
                        "space": "sound",
                        "component": 97,
                        "tags": [{"tag": "electronic", "lift": 2.3}, {"tag": "dance", "lift": 2.7}],
                        "learnt_share": 0.061,
                        "share": 0.048,
                        "tracks": [],
                    }
                ],
            }
        }
    )
    encoder: str
    version: str
    digest: str
    tracks: int
    items: list[ComponentResponse]

    @classmethod
    def of(cls, table: ComponentTable) -> Self:
        """Show them."""
        return cls(
            encoder=table.encoder.name,
            version=table.encoder.version,
            digest=table.encoder.digest,
            tracks=table.tracks,
            items=[ComponentResponse.of(standing) for standing in table.components],
        )


@router.get("/{name}/components")
def list_components(
    name: Line,
    caller: Reader,
    assembly: AssemblyDep,
    tracks: Annotated[int, Query(ge=0, le=20, description="How many tracks to name for each component.")] = 3,
) -> ComponentList:
    """List what an encoder's components mean, their shares of the library, and the tracks that show them best."""
    return ComponentList.of(
        component_table(assembly.ports.database, assembly.keeper, caller.library_id, name, tracks)
    )
