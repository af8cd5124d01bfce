"""``soundkin encoders``: how far each has come, and which one answers; directly in the database."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.cli.library import library_id
from app.cli.opened import opened_database
from app.database import Database
from app.domain import EncoderInfo
from app.errors import NotFound
from app.services.encoders import promote, standings
from app.services.track_counts import TrackCounts

commands = typer.Typer(help="Encoders: how far each has come, and which one answers.", no_args_is_help=True)

LibraryOption = Annotated[str, typer.Option("--library", help="Name of the library whose tracks are counted.")]


@commands.command("list")
def show(library: LibraryOption = "default") -> None:
    """List the encoders that workers have announced, with their share of a library."""
    table = Table("name", "version", "state", "default", "embedded", "share", "tags", "id")
    with opened_database() as database:
        chosen = library_id(database, library)
        with database.transaction(read_only=True) as tx:
            found = standings(tx, chosen, TrackCounts())
    for each in found:
        tags = sum(len(tags.names) for tags in each.info.tags.values())
        default = "yes" if each.info.is_default else ""
        counts = (str(each.embedded), f"{each.share:.1%}", str(tags))
        table.add_row(each.info.name, each.info.version, each.info.state, default, *counts, each.info.id)
    Console().print(table)


@commands.command("promote")
def promote_encoder(
    encoder: Annotated[str, typer.Argument(help="Its id, or its name for the newest of that name.")],
    *,
    default: Annotated[bool, typer.Option("--default", help="Searches that name no encoder use it.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also while it lacks vectors of tracks that searches find now.")
    ] = False,
) -> None:
    """Let searches use an encoder in place of the present one of its name, or of the default one."""
    with opened_database() as database:
        promoted = promote(database, _chosen(_all(database), encoder).id, default=default, force=force)
    answers = "answers searches that name no encoder" if promoted.is_default else "answers searches that name it"
    typer.echo(f"{promoted.name} (version {promoted.version}) {answers}.")


def _all(database: Database) -> Sequence[EncoderInfo]:
    with database.transaction(read_only=True) as tx:
        return tx.catalogue.encoders()


def _chosen(encoders: Sequence[EncoderInfo], wanted: str) -> EncoderInfo:
    """Return the encoder of this id, or the one of this name that was announced last."""
    found = [each for each in encoders if wanted in {each.id, each.name}]
    if not found:
        known = ", ".join(dict.fromkeys(each.name for each in encoders)) or "none: no worker has announced one yet"
        raise NotFound(f"There is no encoder '{wanted}'; there are: {known}.")
    return max(found, key=lambda each: each.id)
