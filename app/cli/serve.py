"""``soundkin serve``: the web process, with a worker of its own unless told otherwise."""

import socket
import sys
from contextlib import suppress
from types import FrameType
from typing import Annotated, Any

import typer
import uvicorn
from fastapi import FastAPI

from app.errors import ConfigurationError, DatabaseUnavailable
from app.logs import configure_logging
from app.main import create_app
from app.settings import read_settings

SHUTDOWN_S = 10
"""How long running requests may take when the process is told to stop."""


SWITCH_S = 0.0005
"""So long a thread may compute while another one waits for the interpreter. With Python's own 5 ms the short steps
of a search wait for those of every other."""


class Server(uvicorn.Server):
    """Ends event streams at once when told to stop; they would otherwise hold up the end."""

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take SIGINT and SIGTERM."""
        self._app.state.assembly.feed.stop()
        super().handle_exit(sig, frame)


def check_address(host: str, port: int) -> None:
    """Raise ``ConfigurationError`` where nothing can listen, before a worker is started for it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(
            f"Soundkin cannot listen on {host}:{port} ({error}). Stop what listens there, or choose another place "
            "with SOUNDKIN_HOST and SOUNDKIN_PORT."
        ) from error


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [SOUNDKIN_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on. [SOUNDKIN_PORT]")] = None,
    worker: Annotated[
        bool | None, typer.Option("--worker/--no-worker", help="Supervise a worker. [SOUNDKIN_EMBEDDED_WORKER]")
    ] = None,
) -> None:
    """Serve the HTTP interface and the page."""
    given: dict[str, Any] = {"host": host, "port": port, "embedded_worker": worker}
    settings = read_settings(**{name: value for name, value in given.items() if value is not None})
    configure_logging(settings.log_level, json=settings.log_json)
    app = create_app(settings)
    check_address(settings.host, settings.port)
    with suppress(DatabaseUnavailable):  # it may come later: /readyz says no until then
        app.state.assembly.ports.database.ping()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
        server_header=False,
    )
    sys.setswitchinterval(SWITCH_S)
    server = Server(app, config)
    server.run()
    if not server.started:
        raise typer.Exit(1)
