"""``soundkin index``: the search indexes of a running service."""

import typer
from rich.console import Console
from rich.table import Table

from app.cli.connection import KeyOption, UrlOption, open_client
from app.cli.index_migration import migrate
from app.client import calls

commands = typer.Typer(help="The search indexes of a running service.", no_args_is_help=True)
commands.command("migrate")(migrate)


@commands.command("check")
def check(url: UrlOption = None, key: KeyOption = None) -> None:
    """Compare the indexes with the database; the exit status is 1 where they differ."""
    with open_client(url, key) as client:
        found = client.do(calls.check_index())
    if found.agrees:
        typer.echo("The indexes hold what the database does.")
        return
    table = Table("encoder", "missing", "extra", "different")
    for each in found.differences:
        table.add_row(each.encoder, str(each.missing), str(each.extra), str(each.different))
    Console().print(table)
    typer.echo("Build them anew with soundkin index rebuild.", err=True)
    raise typer.Exit(1)


@commands.command("rebuild")
def rebuild(url: UrlOption = None, key: KeyOption = None) -> None:
    """Build the indexes anew beside the ones that serve, and swap; a large catalogue takes minutes."""
    with open_client(url, key) as client:
        status = client.do(calls.rebuild_index())
    for index in status.indexes:
        typer.echo(f"{index.encoder}: {index.tracks} tracks")
    typer.echo("Done." if status.indexes else "There is nothing to index yet.")
