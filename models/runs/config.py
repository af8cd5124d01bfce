"""Configurations of runs, as people write them: presets, TOML files, and changes on the command line."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from models.errors import ConfigInvalid

Settings = TypeVar("Settings", bound=BaseModel)


def read_settings(kind: type[Settings], presets: Path, name: str, changes: Sequence[str] = ()) -> Settings:
    """Settings out of a preset by its name, or out of a TOML file.

    Args:
        kind: Of settings.
        presets: Folder of the presets.
        name: Such as ``small``, or a path that ends in ``.toml``.
        changes: ``key=value`` each, such as ``objective.triplet=1``, with the value as TOML has it.

    Raises:
        ConfigInvalid: There is no such file, or it says what it cannot; with every fault.
    """
    path = Path(name) if name.endswith(".toml") else presets / f"{name}.toml"
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(sorted(preset.stem for preset in presets.glob("*.toml")))
        raise ConfigInvalid(
            f"There is no configuration {name!r}. Presets are {known}; or name a .toml file."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{path} is not TOML: {error}") from error
    for change in changes:
        _change(found, change)
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc'])) or name}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigInvalid(f"The configuration {name!r} cannot be used: {faults}") from error


def _change(found: dict[str, Any], change: str) -> None:
    key, separator, text = change.partition("=")
    if not separator:
        raise ConfigInvalid(f"{change!r} changes nothing; expected key=value, such as objective.triplet=1.")
    *tables, name = key.strip().split(".")
    for table in tables:
        found = found.setdefault(table, {})
        if not isinstance(found, dict):
            raise ConfigInvalid(f"{change!r}: {table} is a value and holds no others.")
    try:
        found[name] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        found[name] = text.strip()
