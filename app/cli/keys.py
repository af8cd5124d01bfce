"""``soundkin keys``: make, list and revoke access keys, directly in the database."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.library import library_id
from app.cli.opened import opened_database
from app.database import Database
from app.domain import Scope
from app.services.access import AccessService

commands = typer.Typer(help="Access keys.", no_args_is_help=True)

LibraryOption = Annotated[str, typer.Option("--library", help="Name of the library the key opens.")]


def _access(database: Database) -> AccessService:
    return AccessService(database, admin_key=None, loopback=True)


@commands.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scope: Annotated[Scope, typer.Option(help="What it allows.")] = Scope.READ,
    library: LibraryOption = "default",
) -> None:
    """Make a key. Its secret is shown this once."""
    with opened_database() as database:
        key, secret = _access(database).create_key(library_id(database, library), name, scope)
    typer.echo(f"Key {key.id} ({scope}, library {library}). Keep this secret, it is not shown again:", err=True)
    typer.echo(secret)


@commands.command("list")
def show(library: LibraryOption = "default") -> None:
    """List the keys of a library."""
    table = Table("id", "name", "scope", "created")
    with opened_database() as database:
        keys = _access(database).keys(library_id(database, library))
    for key in keys:
        table.add_row(key.id, key.name, key.scope, key.created_at.isoformat(timespec="seconds"))
    Console().print(table)


@commands.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, from the list.")], library: LibraryOption = "default"
) -> None:
    """Revoke a key at once."""
    with opened_database() as database:
        _access(database).revoke(library_id(database, library), key_id, also_the_last=True)
    typer.echo(f"Revoked {key_id}.")
