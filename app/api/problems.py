"""The one table from error to HTTP status, and the RFC 9457 bodies that go with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from app import errors
from app.errors import Fault, InvalidRequest, SoundkinError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """How an error is told to an HTTP client."""

    status: int
    slug: str
    title: str


KINDS: Mapping[type[SoundkinError], Kind] = {
    errors.SoundkinError: Kind(500, "internal", "Internal error"),
    errors.Transient: Kind(503, "unavailable", "Not available at the moment"),
    errors.DatabaseUnavailable: Kind(503, "database-unavailable", "The database does not answer"),
    errors.IndexUnavailable: Kind(503, "index-unavailable", "The index does not answer"),
    errors.QueueFull: Kind(429, "queue-full", "Too many jobs are waiting"),
    errors.RateLimited: Kind(429, "rate-limited", "Too many requests"),
    errors.StorageUnavailable: Kind(503, "storage-unavailable", "The audio store does not answer"),
    errors.StorageFull: Kind(507, "storage-full", "No space left for audio"),
    errors.Permanent: Kind(500, "internal", "Internal error"),
    errors.InvalidRequest: Kind(422, "invalid-request", "The request is not valid"),
    errors.InvalidQuery: Kind(422, "invalid-query", "The search cannot be answered as asked"),
    errors.AudioRefused: Kind(422, "audio-refused", "This is not usable audio"),
    errors.UploadTooLarge: Kind(413, "upload-too-large", "The upload is too large"),
    errors.NotFound: Kind(404, "not-found", "Not found"),
    errors.NotEmbedded: Kind(409, "not-embedded", "Not embedded yet"),
    errors.Conflict: Kind(409, "conflict", "The present state does not allow this"),
    errors.Unauthenticated: Kind(401, "unauthenticated", "A key is needed"),
    errors.Forbidden: Kind(403, "forbidden", "Not allowed"),
    errors.TokenMismatch: Kind(403, "csrf-token", "The CSRF token is missing or of another session"),
    errors.LeaseLost: Kind(409, "lease-lost", "The job belongs to another worker"),
    errors.IndexCorrupt: Kind(500, "index-corrupt", "The index cannot be used"),
    errors.ConfigurationError: Kind(500, "configuration", "The service is not configured correctly"),
}

RETRY_AFTER_S = 2.0
"""What a caller is told to wait when a server behind the service is away."""

MAX_PLACE = 200

MAX_FAULTS = 100
"""So many are told of one request: nobody reads more, and a small body can hold very many."""

_BY_STATUS = {
    400: Kind(400, "bad-request", "The request cannot be read"),
    403: Kind(403, "forbidden", "Not allowed"),
    404: Kind(404, "not-found", "Not found"),
    405: Kind(405, "method-not-allowed", "This call does not exist here"),
    413: Kind(413, "body-too-large", "The request body is too large"),
    415: Kind(415, "unsupported-media-type", "The body has the wrong content type"),
    416: Kind(416, "range-not-satisfiable", "The range lies outside the audio"),
}


def kind_of(error: SoundkinError) -> Kind:
    """Return the entry of the error's class, or of its nearest ancestor."""
    return next(KINDS[base] for base in type(error).__mro__ if base in KINDS)


def problem(
    kind: Kind,
    detail: str,
    *,
    faults: Sequence[Fault] = (),
    request_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Build the response."""
    body = {**problem_body(kind, detail, faults), "request_id": request_id}
    return JSONResponse(body, status_code=kind.status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def problem_body(kind: Kind, detail: str, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    """Say what a response says of an error, but for the request it belongs to."""
    return {
        "type": f"urn:soundkin:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "errors": [{"place": fault.place, "message": fault.message} for fault in faults],
    }


def of_soundkin(request: Request, error: SoundkinError) -> JSONResponse:
    """Tell a Soundkin error; what is our own fault is logged with its traceback and not told in detail."""
    kind = kind_of(error)
    if kind.status == KINDS[SoundkinError].status:
        return of_unexpected(request_id(request), error)
    if kind.status >= KINDS[SoundkinError].status:
        log.warning("unavailable", error=str(error), kind=type(error).__name__)
    faults = error.faults if isinstance(error, errors.InvalidRequest) else ()
    return problem(kind, str(error), faults=faults, request_id=request_id(request), headers=_headers(error, kind))


def problem_of(error: SoundkinError) -> dict[str, Any]:
    """Say what is wrong with one of several things that were asked in one request."""
    faults = error.faults if isinstance(error, errors.InvalidRequest) else ()
    return problem_body(kind_of(error), str(error), faults)


def _headers(error: SoundkinError, kind: Kind) -> dict[str, str]:
    if isinstance(error, errors.QueueFull | errors.RateLimited):
        return {"Retry-After": str(max(1, ceil(error.retry_after_s)))}
    if isinstance(error, errors.Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    retriable = isinstance(error, errors.Transient) and kind.status == KINDS[errors.Transient].status
    return {"Retry-After": f"{RETRY_AFTER_S:.0f}"} if retriable else {}


def of_validation(request: Request, error: RequestValidationError) -> JSONResponse:
    """Tell every fault that FastAPI found in path, query and body."""
    found = error.errors()
    if any(fault["type"] == "json_invalid" for fault in found):
        reason = str(found[0].get("ctx", {}).get("error", "not JSON"))
        faults = [Fault("body", f"not valid JSON at character {found[0]['loc'][-1]}: {reason}")]
    else:
        faults = told_faults(found)
    return problem(KINDS[errors.InvalidRequest], summary(faults), faults=faults, request_id=request_id(request))


def told_faults(found: Sequence[Mapping[str, Any]], *place: str | int) -> list[Fault]:
    """Return pydantic's faults as ours, the first of them where there are very many.

    Args:
        found: What pydantic found.
        place: Where in the request that stood which was checked.
    """
    faults = [Fault(place_of((*place, *fault["loc"])), message_of(fault)) for fault in found[:MAX_FAULTS]]
    if len(found) > MAX_FAULTS:
        faults.append(Fault(place_of(place) or "body", f"{len(found) - MAX_FAULTS} more faults"))
    return faults


def place_of(location: Sequence[str | int]) -> str:
    """Write a pydantic location as people write paths: ``body.terms[0].track``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return shortened(text.removeprefix("."))


def shortened(text: str) -> str:
    """Cut the middle out of a path that is too long to read, such as one through hundreds of nested filters."""
    half = MAX_PLACE // 2
    return text if len(text) <= MAX_PLACE else f"{text[:half]}…{text[-half:]}"


def message_of(fault: Mapping[str, Any]) -> str:
    """Return pydantic's message without the prefix of errors that our own validators raise."""
    return str(fault["msg"]).removeprefix("Value error, ")


def summary(faults: Sequence[Fault]) -> str:
    """Say all faults in one line."""
    return "; ".join(f"{fault.place}: {fault.message}" for fault in faults)


def refusal(error: ValidationError, *place: str | int) -> InvalidRequest:
    """Return the error for something that we checked with pydantic ourselves, with all its faults.

    Args:
        error: What pydantic found.
        place: Where in the request that stood, for example ``"body", "metadata"``.
    """
    faults = told_faults(error.errors(), *place)
    return InvalidRequest(summary(faults), faults)


def of_http(request: Request, error: HTTPException) -> JSONResponse:
    """Tell an error that the framework raised: unknown path, wrong method, unreadable body."""
    kind = _BY_STATUS.get(error.status_code, Kind(error.status_code, "http", "The request failed"))
    plain = error.detail == HTTPStatus(error.status_code).phrase
    detail = (
        f"{request.method} {request.url.path} does not exist here; /docs lists what does."
        if plain
        else error.detail
    )
    return problem(kind, detail, request_id=request_id(request), headers=error.headers)


def of_unexpected(request_id: str | None, error: Exception) -> JSONResponse:
    """Tell a fault of ours without its details, which go to the log under the same id."""
    log.error("unexpected error", exc_info=error, request_id=request_id)
    return problem(
        KINDS[SoundkinError],
        "Something went wrong here, not with your request. The log has the details under this request id.",
        request_id=request_id,
    )


def request_id(request: Request) -> str | None:
    """Return the id that the middleware gave the request."""
    found = request.scope.get("soundkin.request_id")
    return found if isinstance(found, str) else None


def install(app: FastAPI) -> None:
    """Make every error of the application a problem response."""
    app.add_exception_handler(SoundkinError, of_soundkin)  # type: ignore[arg-type]  # starlette types by Exception
    app.add_exception_handler(RequestValidationError, of_validation)  # type: ignore[arg-type]  # likewise
    app.add_exception_handler(HTTPException, of_http)  # type: ignore[arg-type]  # likewise
