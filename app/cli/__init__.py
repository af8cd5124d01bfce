"""The command line: one module per noun, put together here."""

import typer

from app.cli import briefs, database, doctor, encoders, index, ingest, keys, library, search, serve

commands = typer.Typer(
    name="soundkin",
    help="Music similarity search: weigh the dimensions that matter.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
commands.command("serve")(serve.serve)
commands.command("ingest")(ingest.ingest)
commands.command("search")(search.search)
commands.command("doctor")(doctor.doctor)
commands.add_typer(briefs.commands, name="briefs")
commands.add_typer(encoders.commands, name="encoders")
commands.add_typer(keys.commands, name="keys")
commands.add_typer(library.commands, name="library")
commands.add_typer(index.commands, name="index")
commands.add_typer(database.commands, name="db")
