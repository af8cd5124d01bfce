"""The pages and the files that they load. They talk to the service through the HTTP API only."""

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

HERE = Path(__file__).parent
STATIC = HERE / "static"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere and nothing inline."""

_PAGE_HEADERS = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-cache"}
"""Of a page alone: what every response carries stands in ``api/response_headers.py``."""

SECTIONS = (
    ("/", "Search"),
    ("/library", "Library"),
    ("/briefs", "Briefs"),
    ("/map", "Map"),
    ("/encoders", "Encoders"),
    ("/jobs", "Jobs"),
    ("/settings", "Settings"),
)
"""The main navigation. A page that is not in it names the one that it belongs to as ``section``."""

_IMPORT = re.compile(r'from "(\.[^"]+)"')

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(directory=HERE / "templates")
_files = StaticFiles(directory=STATIC)


def digest_of(folder: Path) -> str:
    """Return a short digest of every file below the folder, names included."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


RELEASE = digest_of(STATIC)
"""Stands in the path of every static file, so that browsers may keep them for good."""


@cache
def modules_of(script: str) -> Sequence[str]:
    """Return the paths of all modules that a script imports, step by step, so that they are fetched at once."""
    scripts = (STATIC / "js").resolve()
    found, unread = set[Path](), [scripts / script]
    while unread:
        importing = unread.pop()
        imported = {(importing.parent / name).resolve() for name in _IMPORT.findall(importing.read_text("utf-8"))}
        unread += imported - found
        found |= imported
    return sorted(path.relative_to(scripts).as_posix() for path in found)


@router.get("/")
async def index(request: Request) -> Response:
    """The page to search with."""
    return _page(request, "index.html")


@router.get("/components")
async def components(request: Request) -> Response:
    """What an encoder's components mean."""
    return _page(request, "components.html")


@router.get("/encoders")
async def encoders(request: Request) -> Response:
    """Two encoders side by side on one query."""
    return _page(request, "encoders.html")


@router.get("/briefs")
async def briefs(request: Request) -> Response:
    """All replacement briefs, and what the catalogue lacks."""
    return _page(request, "briefs.html")


@router.get("/briefs/{brief_id}")
async def brief(request: Request, brief_id: str) -> Response:  # noqa: ARG001 - its script reads it off the address
    """One brief with what it finds."""
    return _page(request, "brief.html")


@router.get("/map")
async def map_page(request: Request) -> Response:
    """The catalogue in two dimensions."""
    return _page(request, "map.html")


@router.get("/library")
async def library(request: Request) -> Response:
    """The tracks of the library, and how more get into it."""
    return _page(request, "library.html")


@router.get("/tracks/{track_id}")
async def track(request: Request, track_id: str) -> Response:  # noqa: ARG001 - the page reads it off its address
    """One track of the library."""
    return _page(request, "track.html")


@router.get("/jobs")
async def jobs(request: Request) -> Response:
    """What the workers do, and what waits for them."""
    return _page(request, "jobs.html")


@router.get("/settings")
async def settings(request: Request) -> Response:
    """Theme, keys, weightings, and how the service stands."""
    return _page(request, "settings.html")


def _page(request: Request, template: str) -> Response:
    """A page. It shows nothing of the catalogue by itself, so it needs no key."""
    context = {
        "release": RELEASE,
        "version": metadata.version("soundkin"),
        "sections": SECTIONS,
        "section": request.url.path,
        "modules_of": modules_of,
    }
    return _templates.TemplateResponse(request, template, context, headers=_PAGE_HEADERS)


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """The icon, for browsers that ask for it by its old name."""
    return await _files.get_response("icon.svg", request.scope)


@router.get("/static/{release}/{path:path}")
async def static_file(release: str, path: str, request: Request) -> Response:
    """A script, style sheet or image.

    A page of another release may still ask under its own digest, for example during a rolling update; what it
    gets then must be asked for again next time.
    """
    response = await _files.get_response(path, request.scope)
    fresh = release == RELEASE
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
    return response
