"""Composition root of a worker: ``python -m workers``. Light: what does the work is loaded by its child."""

import os
import signal
import sys
from typing import Annotated, Final

import structlog
import typer

from app.errors import ConfigurationError
from app.logs import configure_logging
from app.settings import Settings, read_settings
from app.wiring import open_database, open_doorbell
from workers.child import Child
from workers.pace import Pace
from workers.runner import EXIT_UNFIT, Runner

EMBED: Final = "workers.embed_process:main"

log = structlog.get_logger(__name__)


def supervise(settings: Settings, *, entry: str = EMBED, lifeline: int | None = None) -> int:
    """Run a worker until it is told to stop.

    Args:
        settings: Of the service.
        entry: What the child runs (``module:function``): gets the pipe, and (settings, jobs at once).
        lifeline: A file descriptor whose end of file ends this worker.

    Returns:
        The exit status.
    """
    pace = pace_of(settings)
    plan = (settings, pace.threads)
    runner = Runner(
        open_database(settings), open_doorbell(settings), pace, lambda: Child(entry, plan), lifeline=lifeline
    )
    signal.signal(signal.SIGTERM, runner.stop)
    signal.signal(signal.SIGINT, runner.stop)
    return runner.run()


def pace_of(settings: Settings) -> Pace:
    """The times of the supervisor. Behind a doorbell there is no need to look at the queue so often."""
    return Pace(
        lease_s=settings.lease_s,
        beat_s=settings.beat_s,
        poll_s=max(1.0, settings.poll_s) if settings.redis_url else settings.poll_s,
        deadline_s=settings.job_deadline_s,
        drain_s=settings.drain_s,
        slots=settings.worker_threads or os.cpu_count() or 1,
    )


def main(
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: SOUNDKIN_DEVICE.")] = None,
    die_with_parent: Annotated[
        bool,
        typer.Option(
            "--die-with-parent", "--embedded", help="End when standard input ends: whoever holds it is gone."
        ),
    ] = False,
) -> None:
    """Take jobs from the queue and embed their tracks, until SIGTERM or SIGINT."""
    try:
        settings = read_settings(**({} if device is None else {"device": device}))
    except ConfigurationError as error:
        sys.stderr.write(f"worker: {error}\n")  # how to log is one of the settings
        sys.exit(EXIT_UNFIT)
    configure_logging(settings.log_level, json=settings.log_json)
    try:
        status = supervise(settings, lifeline=sys.stdin.fileno() if die_with_parent else None)
    except ConfigurationError as error:
        log.error("worker.unfit", reason=str(error))  # noqa: TRY400  # for the operator, who needs no trace
        status = EXIT_UNFIT
    sys.exit(status)


if __name__ == "__main__":
    typer.run(main)
