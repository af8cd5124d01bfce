"""The snapshot file of an index: what it holds, up to which change, and whose it is.

One file, ``index.snapshot``: a line of JSON (format, identity, seq), the numbers and the vectors as two ``.npy``
records, and the SHA-256 of all that in hex. It is written under another name, synced and renamed, so that there
is either the old snapshot or the new one; it is read only once its checksum was found right.
"""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from app.adapters.folder_sync import sync_folder
from app.database import Numbers
from app.domain import Vectors
from app.errors import IndexCorrupt

NAME = "index.snapshot"
_FORMAT = 1
_CHECKSUM_BYTES = 64
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was in an index: (N,) numbers, (N, D) vectors, and the last change that is in them."""

    seq: int
    numbers: Numbers
    vectors: Vectors


class _HashingFile:
    """Passes bytes on to a file and keeps their checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        return self._file.write(data)

    def checksum(self) -> bytes:
        return self._digest.hexdigest().encode()


def write_snapshot(folder: Path, snapshot: Snapshot, *, identity: str) -> None:
    """Put a snapshot in the place of the one before, durably.

    The temporary name is always the same, so that a process killed while it writes leaves no growing heap behind. A
    folder belongs to one process; should two write at once, the checksum tells.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{NAME}.tmp"
    try:
        with temporary.open("wb") as file:
            _write(file, snapshot, identity)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / NAME)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(folder)


def _write(file: BinaryIO, snapshot: Snapshot, identity: str) -> None:
    hashing = _HashingFile(file)
    header = {"format": _FORMAT, "identity": identity, "seq": snapshot.seq}
    hashing.write(json.dumps(header).encode() + b"\n")
    np.save(hashing, snapshot.numbers, allow_pickle=False)
    np.save(hashing, snapshot.vectors, allow_pickle=False)
    file.write(hashing.checksum())


def read_snapshot(folder: Path, *, identity: str, dimension: int) -> Snapshot:
    """Read the snapshot of a folder.

    Raises:
        IndexCorrupt: There is none, it is damaged or cut short, or it belongs to another library or encoder.
    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            _check_bytes(path, file)
            return _read(path, file, identity, dimension)
    except OSError as error:
        raise IndexCorrupt(f"{path} cannot be read ({error}); rebuild the index from the database.") from error


def _check_bytes(path: Path, file: BinaryIO) -> None:
    digest = hashlib.sha256()
    left = path.stat().st_size - _CHECKSUM_BYTES
    while left > 0:
        chunk = file.read(min(left, _CHUNK))
        digest.update(chunk)
        left -= len(chunk) or left
    if file.read() != digest.hexdigest().encode():
        raise IndexCorrupt(f"{path} does not match its checksum; rebuild the index from the database.")
    file.seek(0)


def _read(path: Path, file: BinaryIO, identity: str, dimension: int) -> Snapshot:
    header = json.loads(file.readline())
    if (header["format"], header["identity"]) != (_FORMAT, identity):
        raise IndexCorrupt(
            f"{path} has format {header['format']} and belongs to {header['identity']!r}; expected format "
            f"{_FORMAT} and {identity!r}. Rebuild the index from the database."
        )
    numbers, vectors = np.load(file, allow_pickle=False), np.load(file, allow_pickle=False)
    if vectors.shape != (len(numbers), dimension):
        raise IndexCorrupt(
            f"{path} holds {len(numbers)} numbers and vectors of shape {vectors.shape}; expected (N, {dimension})."
        )
    return Snapshot(header["seq"], numbers, vectors)
