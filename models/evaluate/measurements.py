"""What systems measured of tracks, on disk: written whole or not at all, so that an interrupted run goes on."""

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.datasets.track import LabelledTrack
from models.evaluate.system import Measured
from models.evaluate.view import View
from models.whole_file import whole_file

_KEY_CHARACTERS = 32
_DAMAGED = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile)


class Stored(Mapping[str, NDArray[np.generic]]):
    """Arrays of one file, read whenever one is asked for: all frames of a corpus would fill the memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        with self._path.open("rb") as file, np.load(file) as arrays:
            found: NDArray[np.generic] = arrays[name]
        return found

    def __iter__(self) -> Iterator[str]:
        with self._path.open("rb") as file, np.load(file) as arrays:
            names = list(arrays)
        return iter(names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def whole(self) -> bool:
        """Whether it is there and can be read to its end (every array has a checksum)."""
        try:
            return all(self[name] is not None for name in self)
        except _DAMAGED:
            return False


@dataclass(frozen=True, slots=True)
class Measurements:
    """A folder with a file for each track, view and way of measuring.

    A file is named by the bytes of the track's audio and its id, the view and the system's identity: audio may be
    moved, and what was changed is measured anew. Systems of one identity measure the same and share it.
    """

    folder: Path

    def stored(self, digest: str, track: LabelledTrack, view: View, identity: str) -> Stored:
        """What is kept, whether or not it is there."""
        return Stored(self._path(digest, track, view, identity))

    def keep(self, digest: str, track: LabelledTrack, view: View, identity: str, measured: Measured) -> None:
        """Write what was measured."""
        path = self._path(digest, track, view, identity)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, shared=True) as part, part.open("wb") as file:
            np.savez(file, allow_pickle=False, **measured)

    def _path(self, digest: str, track: LabelledTrack, view: View, identity: str) -> Path:
        key = _hash(f"{digest} {track.id}")
        return self.folder / _hash(f"{view.identity} {identity}") / f"{key}.npz"


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:_KEY_CHARACTERS]
