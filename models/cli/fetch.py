"""The commands ``corpus fetch`` and ``corpus tools``: music, sounds and programs from Debian's packages."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from models.cli.console import console, progress_bar, refuse
from models.datasets.fetch import fetch, read_listing
from models.errors import ModelError
from models.rendering.tools import fetch_tools, stated_licence


def fetch_recordings(
    manifest: Annotated[
        Path, typer.Argument(help="CSV with columns path and package.", exists=True, dir_okay=False)
    ],
    out: Annotated[Path, typer.Argument(help="Folder of the audio.")],
    tier: Annotated[list[str] | None, typer.Option(help="Only rows with this tier; can be given again.")] = None,
    package: Annotated[list[str] | None, typer.Option(help="Only this package; can be given again.")] = None,
) -> None:
    """Bring recordings that a manifest lists below a folder, out of Debian's packages, without installing them.

    Files that are there already are kept, so that an interrupted run goes on where it stopped.
    """
    good, faults = 0, 0
    try:
        listing = read_listing(manifest, tier or (), package or ())
        with progress_bar() as progress:
            task = progress.add_task("files", total=len(listing))
            for fetched in fetch(listing, out):
                progress.advance(task, fetched.files + len(fetched.faults))
                for fault in fetched.faults:
                    progress.console.print(f"[red]not fetched[/] {escape(fault)}", highlight=False)
                good, faults = good + fetched.files, faults + len(fetched.faults)
    except ModelError as error:
        refuse(error)
    console.print(f"{good} of {len(listing)} files are in {escape(str(out))}")
    if faults:
        raise typer.Exit(1)


def fetch_rendering_tools(
    out: Annotated[Path, typer.Argument(help="Folder of the tools, a sub-folder for each package.")],
) -> None:
    """Bring what rendering uses of Debian's packages below a folder: SoundFonts and MMA, which nothing installs."""
    try:
        for tool in fetch_tools(out):
            line = f"{tool.place(out)} (licence: {stated_licence(tool, out)})"
            console.print(escape(line), highlight=False, soft_wrap=True)
    except ModelError as error:
        refuse(error)
