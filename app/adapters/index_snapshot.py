"""The snapshot file of an index: what it holds, up to which change, and whose it is.

One file, ``index.snapshot``: a line of JSON (format, identity, seq, names of codes, notes), then as ``.npy``
records the numbers, the rows in half precision chunk by chunk, and the codes where there are any, and the SHA-256
of all that in hex. It is written under another name, synced and renamed, so that there
is either the old snapshot or the new one; it is read only once its checksum was found right.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from app.adapters.folder_sync import sync_folder
from app.database import Numbers
from app.errors import IndexCorrupt

NAME = "index.snapshot"
_FORMAT = 2
_CHECKSUM_BYTES = 64
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was in an index.

    Attributes:
        seq: The last change that is in it.
        numbers: (N,) of the tracks, by position.
        rows: (N, D) vectors in half precision, in chunks.
        codes: What an adapter has made of them to find them faster, by name.
        notes: What else it has to remember.
    """

    seq: int
    numbers: Numbers
    rows: Sequence[NDArray[np.float16]]
    codes: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)


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
    header = {
        "format": _FORMAT,
        "identity": identity,
        "seq": snapshot.seq,
        "chunks": len(snapshot.rows),
        "codes": list(snapshot.codes),
        "notes": snapshot.notes,
    }
    hashing.write(json.dumps(header).encode() + b"\n")
    arrays: list[NDArray[Any]] = [snapshot.numbers, *snapshot.rows, *snapshot.codes.values()]
    for array in arrays:
        np.save(hashing, array, allow_pickle=False)
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
    numbers = np.load(file, allow_pickle=False)
    rows = [np.load(file, allow_pickle=False) for _ in range(header["chunks"])]
    if sum(map(len, rows)) != len(numbers) or any(chunk.shape[1:] != (dimension,) for chunk in rows):
        shapes = ", ".join(str(chunk.shape) for chunk in rows)
        raise IndexCorrupt(
            f"{path} holds {len(numbers)} numbers and vectors of shape {shapes}; expected (N, {dimension})."
        )
    codes = {name: np.load(file, allow_pickle=False) for name in header["codes"]}
    return Snapshot(header["seq"], numbers, rows, codes, header["notes"])
