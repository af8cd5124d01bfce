"""Encoders: what makes the vectors, and how far each has come."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import ConfigDict, Field

from app.api.dependencies import AssemblyDep, ItemId, Operator, Reader, SettingsDep
from app.api.schemas import EXAMPLE_ID, ResponseBody
from app.domain import EncoderInfo
from app.services.encoders import EncoderStanding, promote, standings

router = APIRouter(prefix="/v1/encoders", tags=["encoders"])


class ShownState(StrEnum):
    """LOADING: configured, but no worker has announced it yet."""

    LOADING = "loading"
    READY = "ready"
    SHADOW = "shadow"
    RETIRED = "retired"


class SpaceResponse(ResponseBody):
    """One musical dimension."""

    name: str
    dimension: int
    description: str


class EncoderResponse(ResponseBody):
    """An encoder; ``embedded_share`` of the catalogue has its vectors. ``id`` is null while it is loading."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": EXAMPLE_ID,
                "name": "librosa",
                "version": "1",
                "digest": "9f86d081…",
                "state": "ready",
                "is_default": True,
                "spaces": [{"name": "timbre", "dimension": 24, "description": "Sound colour"}],
                "tags": {},
                "components": {},
                "embedded": 1180,
                "embedded_share": 0.98,
            }
        }
    )
    id: str | None
    name: str
    version: str | None
    digest: str | None
    state: ShownState
    is_default: bool
    spaces: list[SpaceResponse]
    tags: dict[str, list[str]]
    components: dict[str, int] = Field(description="How many, of each space that has some.")
    embedded: int
    embedded_share: float = Field(ge=0, le=1)


class EncoderList(ResponseBody):
    """All encoders."""

    items: list[EncoderResponse]


@router.get("")
def list_encoders(caller: Reader, assembly: AssemblyDep, settings: SettingsDep) -> EncoderList:
    """List the encoders that workers announced, and those that are configured and still loading."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        known = standings(tx, caller.library_id, assembly.counts)
    announced = {standing.info.name for standing in known}
    loading = [_loading(name) for name in settings.encoders if name not in announced]
    return EncoderList(items=[_shown(standing) for standing in known] + loading)


def _shown(standing: EncoderStanding) -> EncoderResponse:
    return _response(standing.info, standing.embedded, standing.share)


def _response(info: EncoderInfo, embedded: int, share: float) -> EncoderResponse:
    return EncoderResponse(
        id=info.id,
        name=info.name,
        version=info.version,
        digest=info.digest,
        state=ShownState(info.state.value),
        is_default=info.is_default,
        spaces=[
            SpaceResponse(name=space.name, dimension=space.dimension, description=space.description)
            for space in info.spaces
        ],
        tags={space: list(tags.names) for space, tags in info.tags.items()},
        components={space: len(meanings) for space, meanings in info.components.items()},
        embedded=embedded,
        embedded_share=min(1.0, share),
    )


def _loading(name: str) -> EncoderResponse:
    return EncoderResponse(
        id=None,
        name=name,
        version=None,
        digest=None,
        state=ShownState.LOADING,
        is_default=False,
        spaces=[],
        tags={},
        components={},
        embedded=0,
        embedded_share=0.0,
    )


@router.post("/{encoder_id}/promote")
def promote_encoder(
    encoder_id: ItemId,
    caller: Operator,
    assembly: AssemblyDep,
    *,
    default: Annotated[bool, Query(description="Whether searches that name no encoder use it.")] = False,
    force: Annotated[bool, Query(description="Also while it lacks tracks that searches find now.")] = False,
) -> EncoderResponse:
    """Let searches use this encoder in place of the present one of its name.

    While it lacks vectors of tracks that searches find now, this is a conflict, unless it is forced.
    """
    promote(assembly.ports.database, encoder_id, default=default, force=force)
    with assembly.ports.database.transaction(read_only=True) as tx:
        found = standings(tx, caller.library_id, assembly.counts)
        shown = {standing.info.id: standing for standing in found}
    return _shown(shown[encoder_id])
