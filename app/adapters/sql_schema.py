"""The version of the tables: read, raised and lowered by the steps in ``migrations``."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, text

from app.adapters.sql_engine import open_migration_engine
from app.errors import ConfigurationError

LOCK = 0x536F756E646B696E
"""Advisory lock of PostgreSQL under which tables change: "Soundkin" in ASCII."""


def newest_revision() -> str:
    """Return the version that this code works with."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current_revision(connection: Connection) -> str | None:
    """Return the version that the database has; ``None`` before the first migration."""
    return MigrationContext.configure(connection).get_current_revision()


def upgrade(url: URL) -> None:
    """Bring the tables to the newest version; does nothing when they are there.

    Raises:
        ConfigurationError: The database was made by a later version of Soundkin.
    """
    _run(url, lambda config: command.upgrade(config, "head"))


def downgrade(url: URL, revision: str) -> None:
    """Bring the tables to an older version; ``"base"`` removes them all.

    Raises:
        ConfigurationError: There is no such version.
    """
    _run(url, lambda config: command.downgrade(config, revision))


def check(connection: Connection) -> None:
    """Raise ``ConfigurationError`` unless the tables have the version of this code."""
    found = current_revision(connection)
    if found != newest_revision():
        refuse_unknown(found)
        raise ConfigurationError(
            f"The database has version {found or 'none'}, this Soundkin works with {newest_revision()}: "
            "run `soundkin db migrate`."
        )


def refuse_unknown(found: str | None) -> None:
    """Raise ``ConfigurationError`` for a version that this code does not know."""
    if found is None:
        return
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found not in known:
        raise ConfigurationError(
            f"The database has version {found}, which is newer than this Soundkin knows ({newest_revision()}): "
            "install the version that made it, or restore a backup from before."
        )


def _run(url: URL, step: Callable[[Config], None]) -> None:
    """Run a step in one transaction that no other process can share: all of it happens, or nothing."""
    engine = open_migration_engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            refuse_unknown(current_revision(connection))
            config = _config()
            config.attributes["connection"] = connection
            step(config)
    except CommandError as error:
        raise ConfigurationError(f"The tables cannot be changed: {error}.") from error
    finally:
        engine.dispose()


def _config() -> Config:
    package = find_spec("migrations")
    if package is None or package.origin is None:
        raise ConfigurationError("The package `migrations` is not installed: install Soundkin as a whole.")
    config = Config()
    config.set_main_option("script_location", str(Path(package.origin).parent).replace("%", "%%"))
    return config
