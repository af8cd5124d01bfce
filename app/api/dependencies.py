"""What routes ask for: the assembled service, the caller with a scope, and ids out of paths."""

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import AfterValidator

from app.api.response_headers import tell_allowance
from app.errors import NotFound
from app.keys import Scope
from app.services.access import Caller
from app.services.assembly import Assembly
from app.services.credentials import Credentials
from app.services.rate_limits import must_be_granted
from app.settings import Settings


async def get_assembly(request: Request) -> Assembly:
    """Return the service that ``create_app`` put together; async, since all else would go through a thread."""
    found = request.app.state.assembly
    if not isinstance(found, Assembly):
        raise TypeError(f"app.state.assembly should be an Assembly, but is {type(found).__name__}")
    return found


async def get_settings(request: Request) -> Settings:
    """Return the settings that ``create_app`` was given."""
    found = request.app.state.settings
    if not isinstance(found, Settings):
        raise TypeError(f"app.state.settings should be Settings, but is {type(found).__name__}")
    return found


AssemblyDep = Annotated[Assembly, Depends(get_assembly)]
SettingsDep = Annotated[Settings, Depends(get_settings)]


def credentials_of(request: Request) -> Credentials:
    """Read what the request says of its sender. Raises ``Unauthenticated`` for a header that is none."""
    return Credentials.read(request.headers, request.cookies, request.method)


def allowed(
    needed: Scope, *, counted: bool = True, every_library: bool = False
) -> Callable[[Request, Assembly], Caller]:
    """Make a dependency that returns the caller.

    Args:
        needed: The scope that it must have.
        counted: Whether the call counts by the rate limit, and is refused above it.
        every_library: Whether the call concerns all libraries, so that only keys of the default one will do.
    """

    def caller(request: Request, assembly: AssemblyDep) -> Caller:
        found = assembly.access.authenticate(credentials_of(request))
        if counted:
            count(request, found, assembly)
        found.must_have(needed)
        if every_library:
            found.must_be_operator()
        return found

    return caller


def count(request: Request, caller: Caller, assembly: Assembly) -> None:
    """Count the request by the caller's key, and tell what is left. Raises ``RateLimited`` above the limit."""
    allowance = assembly.limits.take(caller)
    if allowance is not None:
        tell_allowance(request.scope, allowance)
        must_be_granted(allowance)


Watcher = Annotated[Caller, Depends(allowed(Scope.READ, counted=False, every_library=True))]
"""Who reads for machines that watch over the service."""

Operator = Annotated[Caller, Depends(allowed(Scope.ADMIN, every_library=True))]
"""Who runs the service, with all of its libraries."""

Reader = Annotated[Caller, Depends(allowed(Scope.READ))]
Writer = Annotated[Caller, Depends(allowed(Scope.WRITE))]
Admin = Annotated[Caller, Depends(allowed(Scope.ADMIN))]


def checked_id(text: str) -> str:
    """Return an id in its usual spelling. Raises ``NotFound`` for text that cannot be one."""
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise NotFound(
            f"'{text[:80]}' is not an id, so nothing is there. Ids look like {uuid.UUID(int=0)}."
        ) from error


ItemId = Annotated[str, Path(description="An id, as given by the service."), AfterValidator(checked_id)]
