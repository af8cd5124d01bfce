"""The pages and the files that they load. They talk to the service through the HTTP API only."""

import hashlib
from importlib import metadata
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

HERE = Path(__file__).parent
STATIC = HERE / "static"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere and nothing inline; a blob is audio that was fetched with a key."""

_PAGE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

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


@router.get("/")
async def index(request: Request) -> Response:
    """The page to search with."""
    return _page(request, "index.html")


@router.get("/components")
async def components(request: Request) -> Response:
    """What an encoder's components mean."""
    return _page(request, "components.html")


def _page(request: Request, template: str) -> Response:
    """A page. It shows nothing of the catalogue by itself, so it needs no key."""
    context = {"release": RELEASE, "version": metadata.version("soundkin")}
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
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
