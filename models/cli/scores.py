"""The commands ``corpus scores …``: collections of scores, turned into folders of MIDI files for rendering."""

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from models.cli.console import console, progress_bar, refuse
from models.errors import ModelError
from models.rendering.accompaniment import Accompaniments
from models.rendering.conversion import REFUSED, Notation, convert_all, opened, spread
from models.rendering.notations import LilyPond, MusicXML

app = typer.Typer(help="Turn collections of scores into folders of MIDI files with an index.", no_args_is_help=True)

Collection = Annotated[Path, typer.Argument(help="Folder, or tar archive of it.", exists=True)]
Out = Annotated[Path, typer.Argument(help="Folder of the MIDI files and their index.csv.")]
Limit = Annotated[int | None, typer.Option(help="Only so many sources, in turns from every origin.", min=1)]
Jobs = Annotated[int, typer.Option(help="Processes.", min=1)]
_JOBS = cpu_count() or 1


@app.command("lilypond")
def convert_lilypond(collection: Collection, out: Out, limit: Limit = None, jobs: Jobs = _JOBS) -> None:
    """Convert LilyPond sources, such as the Mutopia project's, by LilyPond.

    A source is a program that LilyPond runs: convert only what you have reason to trust.
    """
    _convert(LilyPond(), collection, out, limit, jobs)


@app.command("musicxml")
def convert_musicxml(  # noqa: PLR0917 - typer takes options by their names
    collection: Collection,
    out: Out,
    genre: Annotated[str, typer.Option(help="Tags of all pieces, between semicolons.")] = "",
    licence: Annotated[str, typer.Option(help="Of all pieces.")] = "",
    limit: Limit = None,
    jobs: Jobs = _JOBS,
) -> None:
    """Convert MusicXML in folders COMPOSER/SET/TITLE, such as OpenScore's Lieder, by music21."""
    _convert(MusicXML(genre, licence), collection, out, limit, jobs)


@app.command("mma")
def convert_mma(
    tools: Annotated[Path, typer.Argument(help="Folder that `corpus tools` filled.", exists=True, file_okay=False)],
    out: Out,
    takes: Annotated[int, typer.Option(help="Progressions for each groove file.", min=1)] = 4,
    seed: Annotated[int, typer.Option(help="Draws the chord progressions.")] = 0,
    jobs: Jobs = _JOBS,
) -> None:
    """Generate accompaniments over chord progressions with every groove file of MMA."""
    _convert(Accompaniments(takes, seed), tools, out, None, jobs)


def _convert(notation: Notation, collection: Path, out: Path, limit: int | None, jobs: int) -> None:
    """Convert what earlier runs did not; every source that cannot be converted is named."""
    counts: Counter[str] = Counter()
    context = get_context("spawn")  # torch's threads do not survive a fork
    try:
        with (
            opened(collection) as folder,
            ProcessPoolExecutor(jobs, context) as executor,
            progress_bar() as progress,
        ):
            sources = spread(notation, folder, limit)
            conversions = convert_all(notation, folder, sources, out, executor)
            for conversion in progress.track(conversions, total=len(sources), description="scores"):
                counts["refused" if conversion.reason else "converted"] += 1
                counts["files"] += len(conversion.midi)
                if conversion.reason:
                    line = f"[red]refused[/] {escape(conversion.source)}: {escape(conversion.reason)}"
                    progress.console.print(line, highlight=False)
    except ModelError as error:
        refuse(error)
    before = len(sources) - counts["converted"] - counts["refused"]
    console.print(
        f"{counts['converted']} sources converted to {counts['files']} files, {counts['refused']} refused "
        f"(see {escape(str(out / REFUSED))}), {before} done before"
    )
