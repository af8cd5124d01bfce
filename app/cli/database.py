"""``soundkin db``: the version of the tables."""

from typing import Annotated

import typer

from app.cli.opened import opened_database

commands = typer.Typer(help="The database's tables.", no_args_is_help=True)


@commands.command("migrate")
def migrate() -> None:
    """Bring the tables to the version that this Soundkin works with."""
    with opened_database() as database:
        database.migrate()
        typer.echo(f"The database has version {database.revision()}.")


@commands.command("downgrade")
def downgrade(
    revision: Annotated[str, typer.Argument(help="The version to go back to; 'base' removes every table.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; what the older version lacks is lost.")] = False,
) -> None:
    """Bring the tables back to an older version."""
    if not yes:
        typer.confirm(f"Go back to {revision}? What that version lacks is lost.", abort=True)
    with opened_database() as database:
        database.downgrade(revision)
        typer.echo(f"The database has version {database.revision() or 'none'}.")


@commands.command("revision")
def revision() -> None:
    """Tell the version of the tables."""
    with opened_database() as database:
        typer.echo(database.revision() or "none")
