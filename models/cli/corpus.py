"""The commands ``corpus …``: collections of music to learn from and to measure on."""

import typer

from models.cli import scores
from models.cli.collection import check_dataset, describe_dataset
from models.cli.fetch import fetch_recordings, fetch_rendering_tools
from models.cli.label import label_dataset
from models.cli.render import render_corpus

app = typer.Typer(help="Fetch, render, label, check and describe collections of music.", no_args_is_help=True)
app.command("fetch")(fetch_recordings)
app.command("tools")(fetch_rendering_tools)
app.command("render")(render_corpus)
app.command("check")(check_dataset)
app.command("describe")(describe_dataset)
app.command("label")(label_dataset)
app.add_typer(scores.app, name="scores")
