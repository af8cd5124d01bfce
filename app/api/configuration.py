"""What is configured, for who runs the service, without what must stay secret."""

import re

from fastapi import APIRouter
from pydantic import ConfigDict, SecretStr

from app.api.dependencies import Operator, SettingsDep
from app.api.schemas import ResponseBody
from app.settings import Settings, variable_of

router = APIRouter(prefix="/v1/settings", tags=["operations"])

MASK = "•••"

_PASSWORD = re.compile(r"(?<=://)([^:/@]*):.*@")
"""Of a URL, up to the last @: a password may hold whatever people did not know to encode."""

_PARAMETER = re.compile(r"([?&][^=&]*(?:pass|pwd|secret|token|key|cred|sig)[^=&]*=)[^&]+", re.IGNORECASE)


class SettingResponse(ResponseBody):
    """One setting, as the variable that sets it; an empty value is none."""

    name: str
    value: str
    description: str


class SettingList(ResponseBody):
    """Every setting."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "items": [
                    {
                        "name": "SOUNDKIN_DATABASE_URL",
                        "value": f"postgresql://soundkin:{MASK}@db/soundkin",
                        "description": "SQLAlchemy URL; default: SQLite in the data directory.",
                    }
                ]
            }
        }
    )
    items: list[SettingResponse]


@router.get("")
def configured(_: Operator, settings: SettingsDep) -> SettingList:
    """List what the service runs with: environment, .env and defaults together, secrets masked."""
    return SettingList(
        items=[
            SettingResponse(
                name=variable_of(name),
                value=shown(getattr(settings, name)),
                description=field.description or "",
            )
            for name, field in Settings.model_fields.items()
        ]
    )


def shown(value: object) -> str:
    """Write a value as people would set it, but for secrets and for passwords in addresses."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(shown, value))
    return _PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1:{MASK}@", str(value)))
