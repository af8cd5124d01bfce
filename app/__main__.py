"""``python -m app`` and ``soundkin``: every failure is one clear line and an exit status."""

import sys

from app.cli import commands
from app.errors import SoundkinError


def main() -> None:
    """Run the command line."""
    try:
        commands()
    except SoundkinError as error:
        sys.exit(f"soundkin: {error}")


if __name__ == "__main__":
    main()
