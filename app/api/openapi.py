"""What the OpenAPI document says beyond the routes."""

from importlib import metadata
from typing import Any

from app.api.problems import MEDIA_TYPE
from app.api.schemas import ProblemResponse

DESCRIPTION = """\
Music similarity search: upload tracks, weigh the musical dimensions that matter, get the nearest tracks and the
reason for each.

JSON in snake_case; ids are opaque; times are RFC 3339 UTC; lists are paged by cursor. Every error is a problem
(RFC 9457) with all faults in `errors`; every response carries `X-Request-ID`. Unknown fields are refused.
"""

_PROBLEM: dict[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemResponse"}}},
}

PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {**_PROBLEM, "model": ProblemResponse},
    "5XX": _PROBLEM,
    422: _PROBLEM,
}
"""Goes with every route, so that the document says what errors look like."""


def describe() -> dict[str, Any]:
    """Return the arguments of ``FastAPI`` that describe the interface."""
    return {
        "title": "Soundkin",
        "version": metadata.version("soundkin"),
        "description": DESCRIPTION,
        "license_info": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "redoc_url": None,
        "responses": PROBLEM_RESPONSES,
    }
