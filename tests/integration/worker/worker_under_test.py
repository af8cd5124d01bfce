"""A real worker whose child plays the scenes of the tests; settings come from the environment, as always."""

import os
import sys

from app.logs import configure_logging
from app.settings import Settings
from workers.__main__ import supervise

if __name__ == "__main__":
    configure_logging("info", json=False)
    lifeline = sys.stdin.fileno() if "--die-with-parent" in sys.argv else None
    sys.exit(supervise(Settings(), entry=os.environ.get("SCENE", "scenes:main"), lifeline=lifeline))
