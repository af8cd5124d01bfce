"""The command ``corpus render``: scores as audio, with exact labels."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from os import cpu_count
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from models.cli.console import console, progress_bar, refuse, report_refusal
from models.errors import ModelError
from models.rendering.collection import ScoreSource
from models.rendering.render import Outcome, check_folder, check_fonts, render, write_corpus
from models.rendering.settings import RenderSettings
from models.rendering.sources import FORM, open_sources

REFRESH_PIECES = 20
"""So often the manifest is written anew while a corpus is rendered."""


def render_corpus(  # noqa: PLR0917 - typer takes options by their names
    out: Annotated[Path, typer.Argument(help="Folder of the corpus.", file_okay=False)],
    soundfont: Annotated[list[Path], typer.Option(help="General MIDI SoundFont; can be given again.")],
    source: Annotated[
        list[str], typer.Option(metavar=FORM, help="Folder of MIDI files, with an index; can be given again.")
    ],
    hold_out: Annotated[
        Path | None, typer.Option(help="One more SoundFont, which sounds in test excerpts only, in half of them.")
    ] = None,
    excerpts: Annotated[int, typer.Option(help="At least so many; pieces come with all takes.", min=1)] = 2_400,
    takes: Annotated[int, typer.Option(help="Excerpts of each piece.", min=1)] = 4,
    seconds: Annotated[float, typer.Option(help="Of each excerpt.", min=5, max=300)] = 25.0,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = cpu_count() or 1,
) -> None:
    """Render excerpts of scores, each with tempo, key, instruments, room and codec of its own.

    OUT/manifest.csv lists them with their labels. The same command goes on where an interrupted one stopped.
    """
    settings = RenderSettings(out, tuple(soundfont), hold_out, seed, takes, seconds)
    try:
        sources = open_sources(source)
        check_fonts(settings)
        check_folder(settings)
    except (ModelError, OSError) as error:
        refuse(error)
    outcomes: list[Outcome] = []
    try:
        _render(sources, settings, excerpts, jobs, outcomes)
    except (ModelError, OSError, BrokenExecutor, KeyboardInterrupt) as error:
        console.print(f"[red]stopped[/]: {escape(_reason(error, out))}", highlight=False)
        console.print("The same command goes on from here.")
        raise typer.Exit(1) from error
    finally:
        _conclude(settings, outcomes)
    if _tracks(outcomes) < excerpts:
        console.print(f"{excerpts} were asked for: more sources, or more --takes in another folder, give more.")
        raise typer.Exit(1)


def _reason(error: BaseException, out: Path) -> str:
    if isinstance(error, BrokenExecutor):
        return "a process was killed, most likely for want of memory (each loads every SoundFont): try fewer --jobs"
    if isinstance(error, OSError):
        return f"{error.filename or out}: {error.strerror or error}"
    return str(error) or "interrupted"


def _render(
    sources: Sequence[ScoreSource], settings: RenderSettings, excerpts: int, jobs: int, outcomes: list[Outcome]
) -> None:
    """Render, with what came of each piece put into ``outcomes`` as it comes."""
    with progress_bar() as progress:
        task = progress.add_task("excerpts", total=excerpts)
        for outcome in render(sources, settings, excerpts, jobs):
            outcomes.append(outcome)
            if outcome.rendered is None:
                report_refusal(progress.console, Path(outcome.source, outcome.piece), outcome.refusal)
            progress.update(task, completed=_tracks(outcomes))
            if len(outcomes) % REFRESH_PIECES == 0:
                write_corpus(settings, outcomes)


def _conclude(settings: RenderSettings, outcomes: Sequence[Outcome]) -> None:
    """Write the manifest and say what there is and what it took."""
    pieces = [outcome.rendered for outcome in outcomes if outcome.rendered]
    left_out = len(outcomes) - len(pieces)
    if not pieces:
        console.print(f"no excerpts; {left_out} pieces left out")
        return
    try:
        path = write_corpus(settings, outcomes)
    except (ModelError, OSError) as error:
        console.print(f"[red]no manifest[/]: {escape(_reason(error, settings.out))}", highlight=False)
        raise typer.Exit(1) from error
    made = f"{_tracks(outcomes)} excerpts of {len(pieces)} pieces; {left_out} pieces left out"
    console.print(f"{escape(str(path))}: {made}", highlight=False, soft_wrap=True)
    redraws = sum((Counter(piece.redraws) for piece in pieces), Counter[str]())
    if redraws:
        console.print("drawn again: " + ", ".join(f"{reason} {count}" for reason, count in redraws.most_common()))
    cpu_s = sum(piece.cpu_s for piece in pieces)
    if cpu_s:
        audio_s = settings.duration_s * sum(len(piece.tracks) for piece in pieces if piece.cpu_s)
        console.print(f"{audio_s:.0f} s of audio in {cpu_s:.0f} s of CPU time: {audio_s / cpu_s:.0f} s each second")


def _tracks(outcomes: Sequence[Outcome]) -> int:
    return sum(len(outcome.rendered.tracks) for outcome in outcomes if outcome.rendered)
