"""Command line of the models package: collections of music, training, embedding, evaluation."""

import typer

from models.cli import corpus, evaluate, train
from models.cli.embed import embed

app = typer.Typer(help=__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
app.add_typer(train.app, name="train")
app.add_typer(corpus.app, name="corpus")
app.add_typer(evaluate.app, name="evaluate")
app.command()(embed)


if __name__ == "__main__":
    app(prog_name="python -m models")
