"""Around every request: its id, log line and metrics, the limit on its body, a problem for what escapes."""

import re
import time
from collections.abc import Awaitable, Callable

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import of_unexpected
from app.domain import new_id

log = structlog.get_logger("app.request")

MAX_BODY_BYTES = 1024 * 1024
"""Of a body that a route holds in memory; uploads are streamed and have a limit of their own."""

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_STREAMED = "soundkin.streamed_body"
_QUIET = {"/healthz", "/readyz", "/metrics"}

Observe = Callable[[str, str, int, float], None]
"""Takes method, route template, status and seconds."""


class RequestContext:
    """Gives the request its id and sees to it that every request is answered, logged and counted."""

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = given_or_new_id(Headers(scope=scope).get("x-request-id"))
        scope["soundkin.request_id"] = request_id
        started = time.perf_counter()
        answer = _Answer(send, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, answer.send)
            except ClientDisconnect:
                log.info("client went away", path=scope["path"])
            except Exception as error:  # noqa: BLE001 - whatever escapes is our fault and must still be answered
                await answer.fail(scope, receive, error)
            finally:
                self._report(scope, answer.status, time.perf_counter() - started)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        template = getattr(scope.get("route"), "path", "unmatched")
        self._observe(scope["method"], template, status, seconds)
        level = log.debug if scope["path"] in _QUIET else log.info
        level("request", method=scope["method"], path=scope["path"], status=status, ms=round(seconds * 1e3, 1))


class _Answer:
    """Sends the response on, with the request's id in its headers, and remembers its status."""

    CLIENT_GONE = 499

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status = self.CLIENT_GONE

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            MutableHeaders(scope=message)["X-Request-ID"] = self._request_id
        await self._send(message)

    async def fail(self, scope: Scope, receive: Receive, error: Exception) -> None:
        response = of_unexpected(self._request_id, error)
        if self.status == self.CLIENT_GONE:
            await response(scope, receive, self.send)
        else:
            raise error  # the response has begun: the server can only cut the connection


def given_or_new_id(given: str | None) -> str:
    """Return the client's request id if it is short and plain, else a new one."""
    return given if given and _SANE_ID.fullmatch(given) else new_id()


class BodyLimit:
    """Cuts every body but those that a route streams (``lift_body_limit``), so that none fills the memory.

    What the content type says cannot decide: a route that takes JSON reads the whole body whatever it is called.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = self._limited(scope, receive)
        await self._app(scope, receive, send)

    def _limited(self, scope: Scope, receive: Receive) -> Callable[[], Awaitable[Message]]:
        seen = 0

        async def limited() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes and not scope.get(_STREAMED):
                raise HTTPException(413, f"A body that is no upload may have {self._max_bytes} bytes at most.")
            return message

        return limited


def lift_body_limit(scope: Scope) -> None:
    """Let the rest of a request's body pass: its route streams it and keeps a limit of its own."""
    scope[_STREAMED] = True
