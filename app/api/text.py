"""Text and free JSON as callers may send them: what no database can store is refused at the edge."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints

MAX_EXTRA_BYTES = 16 * 1024


def no_control_characters(text: str) -> str:
    """Refuse NUL, which PostgreSQL cannot store, and its unprintable kin; line breaks and tabs may stay."""
    if any(ord(sign) < ord(" ") and sign not in "\t\n\r" for sign in text):
        raise ValueError("has control characters, which cannot be stored")
    return text


def one_line(text: str) -> str:
    """Return text without line breaks and control signs, of Unicode too."""
    shown = ("".join(" " if unicodedata.category(sign) in {"Cc", "Zl", "Zp"} else sign for sign in text)).split()
    return " ".join(shown)


def storable_json(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse free JSON with NaN, infinity or control characters in it, or too much of it."""
    try:
        size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"cannot be stored as JSON: {error}") from error
    if size > MAX_EXTRA_BYTES:
        raise ValueError(f"has {size} bytes as JSON, at most {MAX_EXTRA_BYTES} are kept")
    for text in _texts(value):
        no_control_characters(text)
    return value


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=1000), AfterValidator(no_control_characters)
]
Word = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(no_control_characters),
]
Extra = Annotated[dict[str, Any], AfterValidator(storable_json)]
