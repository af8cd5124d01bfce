"""``soundkin keys``: make, list and revoke access keys, directly in the database."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.library import library_id
from app.cli.opened import opened_database
from app.database import Database
from app.domain import utc_now
from app.errors import InvalidRequest
from app.keys import Scope
from app.services.access import AccessService

commands = typer.Typer(help="Access keys.", no_args_is_help=True)

_LIFETIME = re.compile(r"(\d+) *([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}

LibraryOption = Annotated[str, typer.Option("--library", help="Name of the library the key opens.")]


def _access(database: Database) -> AccessService:
    return AccessService(database, admin_key=None, loopback=True)


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[Scope, typer.Option(help="What it allows.")] = Scope.READ,
    library: LibraryOption = "default",
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: 12h, 30d or 8w from now, or a date (UTC). Default: never."),
    ] = None,
) -> None:
    """Make a key. Its secret is shown this once."""
    expires_at = end_of(expires, utc_now()) if expires else None
    with opened_database() as database:
        key, secret = _access(database).create_key(library_id(database, library), name, scope, expires_at)
    until = f", until {_minute(key.expires_at)}" if key.expires_at else ""
    typer.echo(
        f"Key {key.id} ({scope}, library {library}{until}). Keep this secret, it is not shown again:", err=True
    )
    typer.echo(secret)


def end_of(text: str, now: datetime) -> datetime:
    """Return the time that a lifetime from now (``30d``) or a date or time means; without a zone it is UTC.

    Raises:
        InvalidRequest: It is neither, or too far away to be told.
    """
    found = _LIFETIME.fullmatch(text.strip())
    try:
        if found:
            return now + timedelta(**{_UNITS[found[2]]: int(found[1])})
        named = datetime.fromisoformat(text.strip())
        return named.astimezone(UTC) if named.tzinfo else named.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"--expires {text} is no time that a key can end at: expected 12h, 30d, 8w, or a date like 2027-01-31."
        ) from error


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


@commands.command("list")
def show(library: LibraryOption = "default") -> None:
    """List the keys of a library."""
    table = Table("id", "name", "scope", "created", "expires")
    with opened_database() as database:
        keys = _access(database).keys(library_id(database, library))
    for key in keys:
        ends = _minute(key.expires_at) if key.expires_at else "never"
        over = key.expires_at is not None and key.expires_at <= utc_now()
        created = key.created_at.isoformat(timespec="seconds")
        table.add_row(key.id, key.name, key.scope, created, f"{ends} (over)" if over else ends)
    Console().print(table)


@commands.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, from the list.")], library: LibraryOption = "default"
) -> None:
    """Revoke a key at once, and the sessions that were begun with it."""
    with opened_database() as database:
        _access(database).revoke(library_id(database, library), key_id, also_the_last=True)
    typer.echo(f"Revoked {key_id}.")
