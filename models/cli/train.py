"""The commands ``train …``: fit an encoder and write its artifact."""

from os import cpu_count
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from models.artifact import check_place
from models.baselines.training.recipes import RECIPES
from models.cli.console import console, progress_bar, refuse, report_refusal
from models.cli.train_baselines import baseline_command
from models.cli.train_csn import train_csn
from models.cli.train_hdpgmm import train_hdpgmm
from models.cli.train_wavenet import train_wavenet
from models.errors import ModelError
from models.train import extract, listed_files, train

app = typer.Typer(help="Train an encoder and write its artifact.", no_args_is_help=True)
app.command("csn")(train_csn)
app.command("hdpgmm")(train_hdpgmm)
app.command("wavenet")(train_wavenet)
for _name in RECIPES:
    app.command(_name)(baseline_command(_name))


@app.command("librosa")
def train_librosa(  # noqa: PLR0917 - typer takes options by their names
    audio: Annotated[Path, typer.Option(help="Folder with the recordings.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder of the artifact.")],
    listing: Annotated[
        Path | None, typer.Option("--list", help="Paths below --audio, one per line, or a CSV with a column path.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the rows of a CSV list with this value of split.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where statistics are kept; default: OUT.cache.")] = None,
    data: Annotated[str, typer.Option(help="Name of the collection, for the manifest.")] = "unnamed collection",
    version: Annotated[str, typer.Option(help="Of the artifact.")] = "1",
    seed: Annotated[int, typer.Option(help="Chooses the segments of long tracks.")] = 0,
    jobs: Annotated[int, typer.Option(help="Processes.", min=1)] = cpu_count() or 1,
) -> None:
    """Fit the statistics of encoder librosa to a collection."""
    try:
        check_place(out)
    except ModelError as error:
        refuse(error)
    files = listed_files(audio, listing, split)
    kept = cache or out.with_name(f"{out.name}.cache")
    extracted = []
    with progress_bar() as progress:
        for file in progress.track(extract(files, kept, jobs), total=len(files), description="statistics"):
            extracted.append(file)
            if file.refusal is not None:
                report_refusal(progress.console, file.path, file.refusal)
    try:
        manifest = train(extracted, kept, out, data=data, version=version, seed=seed)
    except ModelError as error:
        console.print(escape(str(error)), style="red")
        raise typer.Exit(1) from error
    spaces = ", ".join(f"{space.name} {space.dimension}" for space in manifest.spaces)
    console.print(f"{manifest.training['tracks']} tracks; dimensions: {spaces}; digest {manifest.digest[:12]}")
