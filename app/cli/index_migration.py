"""``soundkin index migrate``: from one kind of index to another, out of the database, beside the service."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.cli.opened import opened_database
from app.database import Database
from app.domain import EncoderInfo, EncoderState, Library
from app.services.kept_index import IndexShelf, KeptIndex
from app.settings import read_settings
from app.wiring import index_factory


class Engine(StrEnum):
    """What can hold the vectors of a service."""

    MILVUS = "milvus"
    FAISS = "faiss"


def migrate(to: Annotated[Engine, typer.Option("--to", help="Where the vectors shall be searched.")]) -> None:
    """Copy the vectors of every library and encoder; it can be interrupted and repeated."""
    if to is Engine.FAISS:
        typer.echo("FAISS builds its indexes from the database when the service starts. Set SOUNDKIN_INDEX=faiss.")
        return
    settings = read_settings(index="milvus")
    shelf = IndexShelf(index_factory(settings), settings.snapshot_dir)
    with opened_database() as database:
        copied = [_copy(database, shelf, *pair) for pair in _pairs(database)]
    if not all(copied):
        typer.echo("The database has changed meanwhile: repeat this, or let the service see to the rest.", err=True)
    typer.echo(f"Set SOUNDKIN_INDEX=milvus and SOUNDKIN_MILVUS_URL={settings.milvus_url}, and restart the service.")


def _pairs(database: Database) -> Iterator[tuple[Library, EncoderInfo]]:
    with database.transaction(read_only=True) as tx:
        libraries, encoders = tx.catalogue.libraries(), tx.catalogue.encoders()
    for library in libraries:
        yield from ((library, encoder) for encoder in encoders if encoder.state is not EncoderState.RETIRED)


def _copy(database: Database, shelf: IndexShelf, library: Library, encoder: EncoderInfo) -> bool:
    """Copy the vectors of one library and encoder; return whether as many arrived as the database has."""
    name = f"{library.name}, {encoder.name}"
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with database.transaction(read_only=True) as tx, Progress(*columns, transient=True) as progress:
        task = progress.add_task(name, total=tx.catalogue.count_embedded(library.id, encoder.id))
        kept = shelf.complete(tx, library.id, encoder, lambda count: progress.advance(task, count))
    is_complete = _follow(database, kept)
    typer.echo(f"{name}: {len(kept.index)} tracks")
    return is_complete


def _follow(database: Database, kept: KeptIndex) -> bool:
    """Apply what has changed meanwhile, lest anything stays undone that a service has written there itself.

    Returns:
        Whether as many vectors are there as in the database.
    """
    while True:
        with database.transaction(read_only=True) as tx:
            if not kept.follow(tx):
                return kept.count(tx.catalogue)
