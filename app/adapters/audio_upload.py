"""Audio bytes on their way into a store: a local file under a temporary name, whatever the store."""

import errno
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from uuid import uuid4

from app.errors import InvalidRequest, StorageFull, StorageUnavailable

STALE_S = 24 * 3600.0
"""Age after which a temporary file is the leftover of a crash."""

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)
_FULL = {errno.ENOSPC, errno.EDQUOT}

Keep = Callable[[Path, str], None]
"""Makes a complete local file durable under a key; may move it."""


def check_key(key: str) -> str:
    """Return the key. Raises ``InvalidRequest`` for one that could lead out of the store or hide in it."""
    if len(key) > 500 or not _KEY.fullmatch(key):  # noqa: PLR2004 (short enough for every store)
        raise InvalidRequest(
            f"{key!r:.80} is no key of the audio store: expected letters, digits, '.', '_', '-', and '/' between "
            "parts, none of which begins with '.'."
        )
    return key


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn errors of the operating system into errors of the service."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull(f"No space is left for audio: make room, then try again. ({error})") from error
        raise StorageUnavailable(f"The audio store does not work: check SOUNDKIN_AUDIO_URL. ({error})") from error


def prepare_folder(folder: Path) -> None:
    """Make the folder of temporary files, and remove what crashed uploads left in it more than a day ago."""
    with storage_errors():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for leftover in folder.iterdir():
            _remove_stale(leftover)


def _remove_stale(leftover: Path) -> None:
    try:
        if time.time() - leftover.stat().st_mtime > STALE_S:
            leftover.unlink()
    except FileNotFoundError:
        return  # another process swept, too


class AudioUpload:
    """Implements ``ports.AudioWriter`` over a temporary file; ``keep`` says what becomes of it."""

    def __init__(self, folder: Path, keep: Keep) -> None:
        self._path = folder / uuid4().hex
        self._keep = keep
        with storage_errors():
            self._file = self._path.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(OSError):  # bytes that found no room are not wanted any more
            self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        with storage_errors():
            self._file.write(data)

    def local_path(self) -> Path:
        with storage_errors():
            self._file.flush()
        return self._path

    def commit(self, key: str) -> None:
        check_key(key)
        with storage_errors():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        self._keep(self._path, key)
