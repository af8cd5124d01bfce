"""``soundkin db``: the version of the tables."""

from typing import Annotated

import typer

from app.adapters.sql_database import SqlDatabase
from app.settings import Settings

commands = typer.Typer(help="The database's tables.", no_args_is_help=True)


def _database() -> SqlDatabase:
    settings = Settings()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return SqlDatabase(settings.resolved_database_url)


@commands.command("migrate")
def migrate() -> None:
    """Bring the tables to the version that this Soundkin works with."""
    database = _database()
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
    database = _database()
    database.downgrade(revision)
    typer.echo(f"The database has version {database.revision() or 'none'}.")


@commands.command("revision")
def revision() -> None:
    """Tell the version of the tables."""
    typer.echo(_database().revision() or "none")
