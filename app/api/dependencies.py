"""What routes ask for: the assembled service, the caller with a scope, and ids out of paths."""

import uuid
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Path, Request
from pydantic import AfterValidator

from app.domain import Scope
from app.errors import NotFound
from app.services.access import Caller, Credentials
from app.services.assembly import Assembly
from app.settings import Settings


def get_assembly(request: Request) -> Assembly:
    """Return the service that ``create_app`` put together."""
    found = request.app.state.assembly
    if not isinstance(found, Assembly):
        raise TypeError(f"app.state.assembly should be an Assembly, but is {type(found).__name__}")
    return found


def get_settings(request: Request) -> Settings:
    """Return the settings that ``create_app`` was given."""
    found = request.app.state.settings
    if not isinstance(found, Settings):
        raise TypeError(f"app.state.settings should be Settings, but is {type(found).__name__}")
    return found


AssemblyDep = Annotated[Assembly, Depends(get_assembly)]
SettingsDep = Annotated[Settings, Depends(get_settings)]


def allowed(needed: Scope) -> Callable[[Request, Assembly], Caller]:
    """Make a dependency that returns the caller if it has the scope."""

    def caller(request: Request, assembly: AssemblyDep) -> Caller:
        found = assembly.access.authenticate(Credentials.read(request.headers))
        found.must_have(needed)
        return found

    return caller


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
