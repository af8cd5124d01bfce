"""The commands ``corpus …``: collections of music to learn from and to measure on."""

import typer

app = typer.Typer(help="Fetch, render, label, check and describe collections of music.", no_args_is_help=True)
