"""``python -m app`` and ``soundkin``: every failure is one clear line and an exit status."""

import sys

from pydantic import ValidationError

from app.cli import commands
from app.errors import SoundkinError


def main() -> None:
    """Run the command line."""
    try:
        commands()
    except SoundkinError as error:
        sys.exit(f"soundkin: {error}")
    except ValidationError as error:
        faults = "; ".join(f"SOUNDKIN_{'_'.join(map(str, f['loc'])).upper()}: {f['msg']}" for f in error.errors())
        sys.exit(f"soundkin: the settings are not valid: {faults}")


if __name__ == "__main__":
    main()
