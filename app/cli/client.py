"""The service as the command line sees it: a thin HTTP client that waits while the service is away.

Its errors are leaves of the tree in ``app.errors``: ``ServiceAway`` is ``Transient``, ``ServiceRefused`` and its
child ``EveryCallRefused`` are ``Permanent``.
"""

import io
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

import httpx
import typer

from app.errors import Permanent, Transient
from app.services.access import is_loopback
from app.settings import read_settings

PATIENCE_S = 120.0
"""How long a service that stopped answering is waited for: time enough to start it again."""

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
TIMEOUT = httpx.Timeout(30.0, read=180.0)

_BUSY = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_HOPELESS = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.INSUFFICIENT_STORAGE}
_ANYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, not bound to

UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="SOUNDKIN_URL", help="Where the service answers.", show_default=False)
]
KeyOption = Annotated[
    str | None, typer.Option("--key", envvar="SOUNDKIN_KEY", help="A key, if the service asks for one.")
]


class ServiceAway(Transient):
    """Nothing answered."""


class ServiceRefused(Permanent):
    """The service answered with a problem; the message is the problem's detail."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class EveryCallRefused(ServiceRefused):
    """A problem that has nothing to do with this one call: a wrong key, a full disk."""


class _SentFile(io.FileIO):
    """A file that tells how many of its bytes have been read."""

    def __init__(self, path: Path, on_sent: Callable[[int], None]) -> None:
        super().__init__(path)
        self._on_sent = on_sent
        self._sent_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(-1 if size is None else size) or b""
        self._sent_bytes += len(data)
        self._on_sent(self._sent_bytes)
        return data


class _Patience:
    """How long to wait before the next attempt, and when to give up."""

    def __init__(self) -> None:
        self._away_since: float | None = None
        self._pause_s = FIRST_PAUSE_S

    def pause_while_away(self, reason: ServiceAway) -> float:
        """Return seconds. Raises the reason when the service has been away for too long."""
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since >= PATIENCE_S:
            raise reason
        pause_s, self._pause_s = self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
        return pause_s

    def pause_while_busy(self, response: httpx.Response) -> float:
        """Return seconds. A service with a full queue works, so there is no limit."""
        self._away_since = None
        return _retry_after_s(response)


class ServiceClient:
    """Calls the service. Safe to use from several threads at once.

    Args:
        url: Of the service, without ``/v1``; by default where its own settings say that it listens.
        key: Sent as a bearer token.
        sleep: Waits so many seconds; may raise to stop the client.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = (url or default_url()).rstrip("/")
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=TIMEOUT,
            # A proxy for the rest of the world must not get between us and this machine.
            trust_env=not is_loopback(urlsplit(self.url).hostname or ""),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def greet(self) -> None:
        """Raise ``ServiceAway`` at once if nothing answers."""
        try:
            self._http.get("/healthz")
        except httpx.TransportError as error:
            raise self._away(error) from error

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Read something. Raises ``ServiceRefused``, ``ServiceAway``."""
        return self._patiently(lambda: self._http.get(path, params=params))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask something. Raises ``ServiceRefused``, ``ServiceAway``."""
        return self._patiently(lambda: self._http.post(path, json=body))

    def upload(
        self,
        path: str,
        file: Path,
        fields: Mapping[str, str] | None = None,
        *,
        on_sent: Callable[[int], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Send a file, from its beginning again whenever the connection breaks.

        Args:
            path: ``/v1/tracks`` or ``/v1/clips``.
            file: What to send.
            fields: Text parts beside it.
            on_sent: Hears how many bytes have left, from 0 on at every attempt; may raise to stop the upload.
        """
        # Names that are not UTF-8 exist on disks, but not in HTTP.
        name = file.name.encode("utf-8", "replace").decode()

        def send() -> httpx.Response:
            with _SentFile(file, on_sent) as source:
                return self._http.post(path, data=fields, files={"file": (name, source)})

        return self._patiently(send)

    def _patiently(self, send: Callable[[], httpx.Response]) -> dict[str, Any]:
        """Call until there is an answer that will not change by itself."""
        patience = _Patience()
        while True:
            try:
                response = send()
            except httpx.TransportError as error:
                pause_s = patience.pause_while_away(self._away(error))
            else:
                if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
                    pause_s = patience.pause_while_busy(response)
                elif response.status_code in _BUSY:
                    pause_s = patience.pause_while_away(ServiceAway(_detail(response)))
                else:
                    return _checked(response)
            self._sleep(pause_s)

    def _away(self, error: httpx.TransportError) -> ServiceAway:
        reason = str(error) or type(error).__name__
        return ServiceAway(
            f"Nothing answers at {self.url} ({reason}). Start the service with `make run`, "
            "or name the place where it runs with --url or SOUNDKIN_URL."
        )


def default_url() -> str:
    """Return where a service with the same settings as ours listens."""
    settings = read_settings()
    host = "127.0.0.1" if settings.host in _ANYWHERE else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _checked(response: httpx.Response) -> dict[str, Any]:
    if response.is_success:
        body: dict[str, Any] = response.json()
        return body
    refused = EveryCallRefused if response.status_code in _HOPELESS else ServiceRefused
    hint = " Name a key with --key or SOUNDKIN_KEY." if response.status_code == HTTPStatus.UNAUTHORIZED else ""
    raise refused(_detail(response) + hint, response.status_code)


def _detail(response: httpx.Response) -> str:
    """Return what the problem says, or for something that is not our service at least its status."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{response.url} answered {response.status_code} {response.reason_phrase}."


def _retry_after_s(response: httpx.Response) -> float:
    try:
        return max(FIRST_PAUSE_S, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return LONGEST_PAUSE_S
