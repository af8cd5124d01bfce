"""Tags that can be asked for in a search."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.dependencies import AssemblyDep, Reader
from app.api.tag_schemas import TagCountsResponse, VocabularyResponse
from app.api.text import Line
from app.services.encoders import find_encoder

router = APIRouter(prefix="/v1/tags", tags=["search"])


@router.get("")
def list_tags(
    _caller: Reader, assembly: AssemblyDep, encoder: Annotated[Line | None, Query()] = None
) -> VocabularyResponse:
    """List the tags that an encoder knows, the default one if none is named: what a search can ask with."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        return VocabularyResponse.of(find_encoder(tx, encoder))


@router.get("/counts")
def count_tags(
    caller: Reader, assembly: AssemblyDep, limit: Annotated[int, Query(ge=1, le=1000)] = 200
) -> TagCountsResponse:
    """Count the tracks that carry each tag, their own or heard: what the filter field `all_tags` can ask for."""
    with assembly.ports.database.transaction(read_only=True) as tx:
        return TagCountsResponse.of(tx.catalogue.count_tags(caller.library_id, limit))
