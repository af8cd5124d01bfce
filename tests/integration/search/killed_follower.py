"""A process that follows a catalogue with limits so low that codes are built, and kills itself at a given moment.

Called with the URL of the database, the folder of the snapshots, and the moment.
"""

import os
import signal
import sys
from pathlib import Path

from app.adapters import faiss_index, index_snapshot, row_view
from app.adapters.faiss_index import FaissIndex
from app.adapters.four_bit_codes import FourBitCodes
from app.adapters.sql_database import SqlDatabase
from app.services.indexing import IndexKeeper


def lower_limits():
    faiss_index.EXACT_UP_TO, row_view.FEW, faiss_index._SLICE = 300, 50, 100


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def dying(owner, name, *, after=0, at_end=False):
    """Make a function kill the process at a call of it, before or after what it does."""
    original = getattr(owner, name)
    left = [after]

    def called(*arguments, **options):
        left[0] -= 1
        if left[0] < 0 and not at_end:
            die()
        result = original(*arguments, **options)
        if left[0] < 0:
            die()
        return result

    setattr(owner, name, called)


MOMENTS = {
    "before anything is saved": lambda: dying(IndexKeeper, "save"),
    "in the middle of building": lambda: dying(FourBitCodes, "append", after=2),
    "right before the swap": lambda: dying(FaissIndex, "_use"),
    "right after the swap": lambda: dying(FaissIndex, "_use", at_end=True),
    "in the middle of a snapshot": lambda: dying(index_snapshot._HashingFile, "write", after=3),
    "before the snapshot has its name": lambda: dying(Path, "replace"),
    "after the snapshot has its name": lambda: dying(Path, "replace", at_end=True),
    "in the middle of the second snapshot": lambda: dying(index_snapshot._HashingFile, "write", after=10),
}


def main(url, folder, moment):
    lower_limits()
    MOMENTS[moment]()
    keeper = IndexKeeper(SqlDatabase(url), lambda _, encoder: FaissIndex(encoder), Path(folder))
    keeper.catch_up()
    keeper.save()
    keeper.improve()
    keeper.save()
    keeper.rebuild()


if __name__ == "__main__":
    main(*sys.argv[1:])
