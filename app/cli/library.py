"""``soundkin library``: tenants. Each has its own tracks, clips, jobs and keys."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.opened import opened_database
from app.database import Database
from app.domain import ChangeKind, Library, new_id
from app.errors import Conflict, NotFound

commands = typer.Typer(help="Libraries (tenants).", no_args_is_help=True)


def library_id(database: Database, name: str) -> str:
    """Return the id of the library of this name. Raises ``NotFound``."""
    with database.transaction(read_only=True) as tx:
        libraries = tx.catalogue.libraries()
    for library in libraries:
        if library.name == name:
            return library.id
    known = ", ".join(library.name for library in libraries)
    raise NotFound(f"There is no library '{name}'; there are: {known}. Add one with soundkin library add.")


@commands.command("add")
def add(name: Annotated[str, typer.Argument(help="A name that is not taken.")]) -> None:
    """Add a library; make a key for it next (soundkin keys create)."""
    library = Library(new_id(), name)
    with opened_database() as database, database.transaction() as tx:
        if any(other.name == name for other in tx.catalogue.libraries()):
            raise Conflict(f"There is a library '{name}' already.")
        tx.catalogue.add_library(library)
        tx.changes.append(library.id, ChangeKind.LIBRARY_ADDED, library.id)
    typer.echo(library.id)


@commands.command("list")
def show() -> None:
    """List the libraries."""
    table = Table("id", "name")
    with opened_database() as database, database.transaction(read_only=True) as tx:
        for library in tx.catalogue.libraries():
            table.add_row(library.id, library.name)
    Console().print(table)
