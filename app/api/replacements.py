"""Replacements: what may take the place of a track."""

from fastapi import APIRouter, Response

from app.api.dependencies import AssemblyDep, Reader
from app.api.replacement_schemas import ReplacementBody, ReplacementResponse

router = APIRouter(prefix="/v1/replacements", tags=["briefs"])


@router.post("", response_model=ReplacementResponse)
def replace(body: ReplacementBody, caller: Reader, assembly: AssemblyDep) -> Response:
    """Find the tracks nearest to a reference that meet every constraint, and show apart those that nearly do."""
    answer = assembly.replacements.replace(body.to_request(caller.library_id))
    return Response(ReplacementResponse.of(answer).model_dump_json(), media_type="application/json")
