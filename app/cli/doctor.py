"""``soundkin doctor``: checks everything and says how to mend what is wrong."""

from collections.abc import Iterator
from typing import Annotated

import httpx
import typer
from rich.console import Console

from app.cli.connection import default_url
from app.errors import ConfigurationError
from app.ports import Ports
from app.services import checkup, health
from app.services.access import AccessService, is_loopback
from app.services.health import Check, Finding, Verdict
from app.services.housekeeping import mend_tracks
from app.settings import Settings, read_settings
from app.wiring import open_milvus, open_ports

_STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}


def doctor(
    mend: Annotated[
        bool, typer.Option("--mend", help="Queue tracks again that lack vectors and have no job.")
    ] = False,
) -> None:
    """Check configuration, database, store, queue, workers, device, encoders and index."""
    worst = Verdict.OK
    for finding in _findings(mend):
        worst = max(worst, finding.verdict, key=list(Verdict).index)
        show(Console(soft_wrap=True, highlight=False), finding)
    if worst is Verdict.FAIL:
        raise typer.Exit(1)


def show(console: Console, finding: Finding) -> None:
    """Print a finding, and its remedy below it."""
    mark = f"[{_STYLES[finding.verdict]}]{finding.verdict.upper():4}[/]"
    console.print(mark, f"{finding.name}:", finding.message, markup=True)
    if finding.remedy:
        console.print("      →", finding.remedy, markup=False)


def _findings(mend: bool) -> Iterator[Finding]:
    try:
        settings = read_settings()
        ports = open_ports(settings.model_copy(update={"embedded_worker": False}))
    except ConfigurationError as error:
        yield Finding("configuration", Verdict.FAIL, str(error))
        return
    yield Finding("configuration", Verdict.OK, f"data in {settings.data_dir.absolute()}")
    try:
        yield from health.examine(_checks(settings, ports))
        if mend:
            yield from health.examine([("mend", lambda: _mend(settings, ports))])
    finally:
        ports.probe.close()
        ports.database.close()


def _checks(settings: Settings, ports: Ports) -> list[tuple[str, Check]]:
    database = ports.database
    return [
        ("database", lambda: health.check_database(database)),
        ("access", lambda: _check_access(settings, ports)),
        ("audio store", lambda: health.check_store(ports.store)),
        ("disk", lambda: checkup.check_space(settings.data_dir)),
        ("decoder", lambda: checkup.check_decoder(ports.probe)),
        ("milvus", lambda: _check_milvus(settings)),
        ("doorbell", lambda: health.check_doorbell(ports.doorbell)),
        ("queue", lambda: checkup.check_queue(database)),
        ("workers", lambda: health.check_workers(database, None)),
        ("encoder", lambda: checkup.check_encoders(database, settings.encoders)),
        ("service", _check_service),
    ]


def _check_access(settings: Settings, ports: Ports) -> Iterator[Finding]:
    admin_key = settings.admin_key.get_secret_value() if settings.admin_key else None
    access = AccessService(ports.database, admin_key=admin_key, loopback=is_loopback(settings.host))
    access.check_bind(settings.host)
    place = f"listens on {settings.host}:{settings.port}"
    if access.nobody_gets_in():
        yield Finding(
            "access",
            Verdict.WARN,
            f"{place}, asks for a key, and every key has expired: nobody gets in",
            "Make another: soundkin keys create admin --scope admin. Or set SOUNDKIN_ADMIN_KEY and start again.",
        )
    else:
        text = "open to this machine, without keys" if access.is_open() else "asks for a key"
        yield Finding("access", Verdict.OK, f"{place}, {text}")


def _check_milvus(settings: Settings) -> Iterator[Finding]:
    """Whether Milvus answers, where it is used. A file belongs to the service, so it is left alone."""
    if settings.index == "milvus" and not settings.milvus_url.endswith(".db"):
        yield Finding("milvus", Verdict.OK, f"{open_milvus(settings).version()} at {settings.milvus_url}")


def _check_service() -> Iterator[Finding]:
    """What only the running service knows: the index in its memory, and why its worker does not run."""
    url = default_url()
    try:
        body = httpx.get(f"{url}/readyz", timeout=10.0, trust_env=False).json()
    except (httpx.HTTPError, ValueError) as error:
        yield Finding("service", Verdict.WARN, f"nothing answers at {url} ({error})", "Start it: soundkin serve.")
        return
    yield Finding("service", Verdict.OK, f"answers at {url}")
    for found in body.get("findings", []):
        if found["name"] == "index" or (found["name"] == "workers" and found["verdict"] != Verdict.OK):
            yield Finding(found["name"], Verdict(found["verdict"]), found["message"], found["remedy"])


def _mend(settings: Settings, ports: Ports) -> Iterator[Finding]:
    mended = mend_tracks(ports.database, settings.encoders)
    ports.doorbell.ring()
    yield Finding("mend", Verdict.OK, f"{mended} tracks were queued again; the service sees to any others")
