"""Headers of every response: what browsers may do with it, who may keep it, what is left to the caller."""

from collections.abc import Mapping
from math import ceil

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.ports import Allowance

_ALLOWANCE = "soundkin.allowance"

_EVERYWHERE = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

_ANSWER_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""An answer is no page: opened as one, it loads and runs nothing."""

_DOCS = "/docs"
_DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Swagger's page starts itself by a script in the page, which holds nothing that anybody sent."""

_API = "/v1/"

_ONLY_HTTPS = "max-age=31536000"


class ResponseHeaders:
    """Outermost: adds them to every response, save where a route has set one itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _headers_for(scope).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, told)


def _headers_for(scope: Scope) -> Mapping[str, str]:
    path = scope["path"]
    headers = {
        **_EVERYWHERE,
        "Content-Security-Policy": _DOCS_POLICY if path.startswith(_DOCS) else _ANSWER_POLICY,
    }
    if path.startswith(_API):
        headers["Cache-Control"] = "no-store"
    if came_by_https(scope):
        headers["Strict-Transport-Security"] = _ONLY_HTTPS
    allowance = scope.get(_ALLOWANCE)
    return {**headers, **_left(allowance)} if allowance else headers


def _left(allowance: Allowance) -> Mapping[str, str]:
    return {
        "RateLimit-Limit": str(allowance.limit),
        "RateLimit-Remaining": str(allowance.remaining),
        "RateLimit-Reset": str(ceil(allowance.reset_s)),
    }


def tell_allowance(scope: Scope, allowance: Allowance) -> None:
    """Let the response to this request say what is left."""
    scope[_ALLOWANCE] = allowance


def came_by_https(scope: Scope) -> bool:
    """Whether the client spoke TLS, to us or to a proxy that says so.

    Any sender may claim it: all that comes of it is that its own browser keeps its own cookie to TLS.
    """
    return scope["scheme"] == "https" or Headers(scope=scope).get("x-forwarded-proto", "").startswith("https")
