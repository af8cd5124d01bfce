"""Files that are there whole or not at all, whatever stops the program that writes them."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """A file to write beside ``path``: it takes its place when the block ends, and is removed when the block fails.

    What a killed program leaves of it is overwritten by the next one.

    Args:
        path: What is there, if anything, stays until then.
        shared: Others may write the same at the same time: each writes a file of its own, and the last one stays.

    Raises:
        OSError: There is no room, or no right to write.
    """
    writer = f".{os.getpid()}.{threading.get_ident()}" if shared else ""
    part = path.with_name(f".{path.name}{writer}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
