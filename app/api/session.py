"""Sessions: a page shows a key once, and its browser is known by a cookie from then on."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field, SecretStr

from app.api.dependencies import AssemblyDep, Reader, count, credentials_of
from app.api.response_headers import came_by_https
from app.api.schemas import EXAMPLE_ID, EXAMPLE_TIME, RequestBody, ResponseBody
from app.keys import Scope
from app.services.access import Caller
from app.services.assembly import Assembly
from app.services.credentials import SESSION_COOKIE, Credentials, csrf_token
from app.services.sessions import SESSION_LIFE

router = APIRouter(prefix="/v1/session", tags=["keys"])


class SessionBody(RequestBody):
    """The key that a session is to be begun with."""

    model_config = ConfigDict(json_schema_extra={"example": {"key": "sk_…"}})
    key: Annotated[SecretStr, Field(min_length=1, max_length=500)]


class LibraryResponse(ResponseBody):
    """The library that the caller sees."""

    id: str
    name: str


class SessionResponse(ResponseBody):
    """Who calls.

    ``open``: nobody is asked for a key. ``csrf`` goes with every write by cookie, as the header ``X-CSRF-Token``;
    it is null for callers without a session. ``expires_at`` is when session or key end.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "open": False,
                "library": {"id": EXAMPLE_ID, "name": "default"},
                "scope": "write",
                "csrf": "9f2c…",
                "expires_at": EXAMPLE_TIME,
            }
        }
    )
    open: bool
    library: LibraryResponse
    scope: Scope
    csrf: str | None
    expires_at: datetime | None


@router.post("")
def log_in(body: SessionBody, request: Request, response: Response, assembly: AssemblyDep) -> SessionResponse:
    """Begin a session with a key, whose requests it counts among. The answer sets the cookie that stands for it."""
    address = request.client.host if request.client else "unknown"
    secret = body.key.get_secret_value().strip()
    holder = assembly.sessions.holder(secret, address)
    count(request, holder, assembly)
    before = Credentials.read({}, request.cookies, request.method)
    token, caller = assembly.sessions.begin(secret, holder, before)
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=round(SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=came_by_https(request.scope),
    )
    return _shown(assembly, caller, token)


@router.get("")
def show(request: Request, caller: Reader, assembly: AssemblyDep) -> SessionResponse:
    """Tell who calls: by session, by key, or, where there are no keys, anybody."""
    credentials = credentials_of(request)
    by_cookie = credentials.secret is None and caller.key_sha256 is not None
    return _shown(assembly, caller, credentials.token if by_cookie else None)


@router.delete("", status_code=204)
def log_out(request: Request, response: Response, assembly: AssemblyDep) -> None:
    """End the session, if there is one, and take its cookie away."""
    assembly.sessions.end(credentials_of(request))
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="strict", secure=came_by_https(request.scope))


def _shown(assembly: Assembly, caller: Caller, token: str | None) -> SessionResponse:
    with assembly.ports.database.transaction(read_only=True) as tx:
        name = next(library.name for library in tx.catalogue.libraries() if library.id == caller.library_id)
    return SessionResponse(
        open=caller.key_sha256 is None,
        library=LibraryResponse(id=caller.library_id, name=name),
        scope=caller.scope,
        csrf=csrf_token(token) if token else None,
        expires_at=caller.expires_at,
    )
