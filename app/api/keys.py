"""Access keys, for admins."""

from datetime import UTC, datetime
from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from app.api.dependencies import Admin, AssemblyDep, ItemId
from app.api.schemas import EXAMPLE_ID, EXAMPLE_TIME, RequestBody, ResponseBody
from app.api.text import Line
from app.keys import ApiKey, Scope

router = APIRouter(prefix="/v1/keys", tags=["keys"])

LAST = datetime(9999, 1, 1, tzinfo=UTC)
"""Later times cannot be told in every time zone."""


class KeyBody(RequestBody):
    """A key to be made."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"name": "ingest robot", "scope": "write", "expires_at": EXAMPLE_TIME}}
    )
    name: Annotated[Line, StringConstraints(min_length=1, max_length=200)]
    scope: Scope = Scope.READ
    expires_at: Annotated[AwareDatetime | None, Field(lt=LAST, description="A time to come; null: never.")] = None


class KeyResponse(ResponseBody):
    """A key, without its secret, which nobody knows any more."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": EXAMPLE_ID,
                "name": "ingest robot",
                "scope": "write",
                "created_at": EXAMPLE_TIME,
                "expires_at": None,
            }
        }
    )
    id: str
    name: str
    scope: Scope
    created_at: datetime
    expires_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """Show a key."""
        return cls(id=key.id, name=key.name, scope=key.scope, created_at=key.created_at, expires_at=key.expires_at)


class NewKeyResponse(ResponseBody):
    """A key that was just made; the secret is shown this once."""

    key: KeyResponse
    secret: str


class KeyList(ResponseBody):
    """All keys of the library."""

    items: list[KeyResponse]


@router.post("", status_code=201)
def create_key(body: KeyBody, caller: Admin, assembly: AssemblyDep) -> NewKeyResponse:
    """Make a key of the caller's library. From the first key on, every call needs one."""
    key, secret = assembly.access.create_key(caller.library_id, body.name, body.scope, body.expires_at)
    return NewKeyResponse(key=KeyResponse.of(key), secret=secret)


@router.get("")
def list_keys(caller: Admin, assembly: AssemblyDep) -> KeyList:
    """List the library's keys."""
    return KeyList(items=[KeyResponse.of(key) for key in assembly.access.keys(caller.library_id)])


@router.delete("/{key_id}", status_code=204)
def revoke_key(key_id: ItemId, caller: Admin, assembly: AssemblyDep) -> None:
    """Revoke a key."""
    assembly.access.revoke(caller.library_id, key_id)
