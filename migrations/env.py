"""Runs migrations on the connection that the service gives, or on SOUNDKIN_DATABASE_URL from the command line."""

import os

from alembic import context
from sqlalchemy import Connection

from app.adapters.sql_engine import open_migration_engine, parse_url
from app.adapters.tables import metadata


def run(connection: Connection) -> None:
    """Run the migrations in the transaction that the caller has begun."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transactional_ddl=True,
        compare_server_default=True,
    )
    context.run_migrations()


def run_from_command_line() -> None:
    """Open the database and run, all in one transaction."""
    engine = open_migration_engine(parse_url(os.environ["SOUNDKIN_DATABASE_URL"]))
    with engine.begin() as connection:
        run(connection)
    engine.dispose()


given = context.config.attributes.get("connection")
if given is None:
    run_from_command_line()
else:
    run(given)
