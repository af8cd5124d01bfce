"""Refuses writes that a foreign web page makes a browser send to us."""

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import of_soundkin
from app.errors import Forbidden
from app.services.credentials import READS


class SameOriginWrites:
    """Lets writes pass that come from our own pages or from no browser at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in READS and is_foreign(Headers(scope=scope)):
            refusal = Forbidden(
                "A page of another origin tried to write here. Calls come from our own page or no page."
            )
            await of_soundkin(Request(scope), refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another origin's page sent this."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
