"""The commands ``corpus …``: collections of music to learn from and to measure on."""

import typer

from models.cli.collection import check_dataset, describe_dataset
from models.cli.fetch import fetch_recordings, fetch_rendering_tools

app = typer.Typer(help="Fetch, render, label, check and describe collections of music.", no_args_is_help=True)
app.command("fetch")(fetch_recordings)
app.command("tools")(fetch_rendering_tools)
app.command("check")(check_dataset)
app.command("describe")(describe_dataset)
