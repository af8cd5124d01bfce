"""A real worker whose child plays the scenes of the tests; settings come from the environment, as always."""

import os
import sys

from scenes import Unconfirmed

from app.logs import configure_logging
from app.settings import Settings
from app.wiring import open_database
from workers import __main__ as worker

if __name__ == "__main__":
    configure_logging("info", json=False)
    lifeline = sys.stdin.fileno() if "--die-with-parent" in sys.argv else None
    if lost := os.environ.get("SOUNDKIN_UNCONFIRMED_CLAIMS"):
        worker.open_database = lambda settings: Unconfirmed(open_database(settings), "claim", int(lost))
    sys.exit(worker.supervise(Settings(), entry=os.environ.get("SCENE", "scenes:main"), lifeline=lifeline))
