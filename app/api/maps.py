"""Maps of the catalogue: have one drawn, look at it."""

import gzip
import json
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from app.api.dependencies import AssemblyDep, Reader, Writer
from app.api.map_schemas import (
    AskedMapResponse,
    MapBody,
    MapHead,
    MapList,
    MapResponse,
    Weights,
    picture_values,
)
from app.api.problems import refusal, request_id
from app.api.schemas import JobResponse
from app.api.text import Line
from app.services.maps import Picture

router = APIRouter(prefix="/v1", tags=["map"])

_LEVEL = 5
_REST = b"rest"
_NOTHING = b'"points":null,"clusters":null,"clustering":null}'
_WEIGHTS: TypeAdapter[dict[str, float]] = TypeAdapter(Weights)


@router.post("/map", status_code=202)
def draw_map(body: MapBody, request: Request, caller: Writer, assembly: AssemblyDep) -> AskedMapResponse:
    """Have a map drawn by a worker, for the first time or anew; until then the points of the last time stay."""
    standing, job = assembly.maps.ask(caller.library_id, body.encoder, body.weights, request_id(request))
    return AskedMapResponse(map=MapHead.of(standing), job=JobResponse.of(job))


@router.get("/map", response_model=MapResponse)
def get_map(
    request: Request,
    caller: Reader,
    assembly: AssemblyDep,
    encoder: Annotated[Line | None, Query(description="By name; left out, the default one.")] = None,
    weights: Annotated[
        str | None,
        Query(description='By space, as JSON, for example `{"genre": 1}`; left out, all alike.', max_length=4000),
    ] = None,
) -> Response:
    """Read a map that was asked for: how it stands, its points and clusters."""
    standing, picture = assembly.maps.show(caller.library_id, encoder or None, _read_weights(weights))
    head = MapHead.of(standing).model_dump_json().encode()
    headers = {"Vary": "Accept-Encoding"}
    if not _takes_gzip(request):
        return Response(_joined(head, picture), media_type="application/json", headers=headers)
    packed = {**headers, "Content-Encoding": "gzip"}
    return Response(_packed(head, picture), media_type="application/json", headers=packed)


@router.get("/maps")
def list_maps(caller: Reader, assembly: AssemblyDep) -> MapList:
    """List the maps that were asked for, the latest first."""
    return MapList(items=[MapHead.of(standing) for standing in assembly.maps.standings(caller.library_id)])


def _read_weights(text: str | None) -> dict[str, float] | None:
    if not text:
        return None
    try:
        return _WEIGHTS.validate_json(text)
    except ValidationError as error:
        raise refusal(error, "query", "weights") from error


def _takes_gzip(request: Request) -> bool:
    accepted = [part.replace(" ", "").lower() for part in request.headers.get("Accept-Encoding", "").split(",")]
    return any(part == "gzip" or (part.startswith("gzip;q=") and part[7:].strip("0.") != "") for part in accepted)


def _joined(head: bytes, picture: Picture | None) -> bytes:
    """The answer: a head that changes, and after it the rest, written once for all who look at the same picture."""
    if picture is None:
        return head[:-1] + b"," + _NOTHING
    if _REST not in picture.made:
        written = json.dumps(picture_values(picture), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        picture.made[_REST] = written[1:].encode()
    return head[:-1] + b"," + picture.made[_REST]


def _packed(head: bytes, picture: Picture | None) -> bytes:
    """The same, compressed once as long as the head stays as it is."""
    if picture is None:
        return gzip.compress(_joined(head, None), _LEVEL)
    packed = picture.made.get(head)
    if packed is None:
        packed = gzip.compress(_joined(head, picture), _LEVEL)
        for other in set(picture.made) - {_REST}:
            picture.made.pop(other, None)
        picture.made[head] = packed
    return packed
