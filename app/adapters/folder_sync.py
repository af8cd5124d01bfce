"""Making names as durable as bytes: a file system writes a folder to disk by itself, whenever it likes."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk. Raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
