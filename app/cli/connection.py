"""Where the commands find the service."""

import time
from collections.abc import Callable
from typing import Annotated

import typer

from app.client import Client
from app.settings import read_settings

_ANYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - compared with, not bound to

UrlOption = Annotated[
    str | None, typer.Option("--url", envvar="SOUNDKIN_URL", help="Where the service answers.", show_default=False)
]
KeyOption = Annotated[
    str | None, typer.Option("--key", envvar="SOUNDKIN_KEY", help="A key, if the service asks for one.")
]


def open_client(url: str | None, key: str | None, *, sleep: Callable[[float], None] = time.sleep) -> Client:
    """Return a client of the service at this place, by default where its own settings say that it listens."""
    return Client(url or default_url(), key, sleep=sleep)


def default_url() -> str:
    """Return where a service with the same settings as ours listens."""
    settings = read_settings()
    host = "127.0.0.1" if settings.host in _ANYWHERE else settings.host
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
