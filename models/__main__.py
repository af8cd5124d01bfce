"""Command line of the models package: train an encoder, embed files."""

import typer

from models.cli import train
from models.cli.embed import embed

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(train.app, name="train")
app.command()(embed)


if __name__ == "__main__":
    app(prog_name="python -m models")
