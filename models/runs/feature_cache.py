"""Features of tracks on disk, one file each, named by the bytes of the audio and by what computed them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from multiprocessing import get_context
from pathlib import Path
from typing import Generic, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from models.audio import SAMPLE_RATE_HZ, decode, middle
from models.encoder import Floats
from models.errors import AudioUnreadable, ModelError, TrainingInterrupted
from models.whole_file import whole_file

MIN_DURATION_S = 3.0

Features = TypeVar("Features")


@dataclass(frozen=True, slots=True)
class Extracted:
    """One file after its features were computed.

    Attributes:
        path: Of the file.
        entry: Name of its features in the cache.
        refusal: Why it cannot be used; empty when it can.
    """

    path: Path
    entry: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class FeatureCache(ABC, Generic[Features]):
    """A folder of features of one kind.

    Attributes:
        folder: Where they lie.
        max_duration_s: Of a track that is listened to, around its middle.
    """

    folder: Path
    max_duration_s: float

    @property
    @abstractmethod
    def kind(self) -> str:
        """A part of the entries' names: different for what would be computed differently."""

    @abstractmethod
    def compute(self, waveform: Floats) -> Features:
        """Features of (T,) samples at SAMPLE_RATE_HZ.

        Raises:
            AudioUnreadable: There is nothing to learn from it.
        """

    @abstractmethod
    def tensors(self, features: Features) -> Mapping[str, Tensor]:
        """What is written of features."""

    @abstractmethod
    def features(self, tensors: Mapping[str, Tensor]) -> Features:
        """Features of what was read.

        Raises:
            ValueError: These are none.
        """

    def extract(self, files: Iterable[Path], jobs: int) -> Iterator[Extracted]:
        """Compute what is missing, in parallel and in the order of the files; damaged entries are made anew.

        Raises:
            OSError: The folder cannot be written; a file that cannot be read is refused.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        work = partial(_extracted, self)
        if jobs == 1:
            yield from map(work, files)
            return
        with ProcessPoolExecutor(
            jobs, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
        ) as pool:
            yield from pool.map(work, files, chunksize=4)

    def read(self, entry: str) -> Features:
        """Features of a track.

        Raises:
            TrainingInterrupted: They are damaged or gone; what is damaged is removed, so that it is made anew.
        """
        path = self._path(entry)
        try:
            return self._read(path)
        except (OSError, SafetensorError, ValueError) as error:
            with suppress(OSError):
                path.unlink()
            raise TrainingInterrupted(
                f"The features {path} cannot be read ({error}). The same command makes them anew and goes on."
            ) from error

    def holds(self, entry: str) -> bool:
        """Whether there are whole features of this name."""
        try:
            self._read(self._path(entry))
        except (OSError, SafetensorError, ValueError):
            return False
        return True

    def entry(self, digest: str) -> str:
        """Name of the features of a file by the SHA-256 of its bytes."""
        return f"{digest[:32]}.{self.kind}.{self.max_duration_s:g}s"

    def write(self, entry: str, features: Features) -> None:
        """Write features whole or not at all, whoever else writes the same.

        Raises:
            OSError: There is no room, or no right to write.
        """
        with whole_file(self._path(entry), shared=True) as part:
            part.write_bytes(save({name: found.contiguous() for name, found in self.tensors(features).items()}))

    def _path(self, entry: str) -> Path:
        return self.folder / f"{entry}.safetensors"

    def _read(self, path: Path) -> Features:
        with safe_open(path, framework="pt") as file:
            return self.features({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 - no mapping


def _extracted(cache: FeatureCache[Features], path: Path) -> Extracted:
    try:
        with path.open("rb") as file:
            entry = cache.entry(file_digest(file, "sha256").hexdigest())
            if cache.holds(entry):
                return Extracted(path, entry)
            piece = middle(decode(file).waveform, cache.max_duration_s)
        if len(piece) < MIN_DURATION_S * SAMPLE_RATE_HZ:
            raise AudioUnreadable(f"It has {len(piece) / SAMPLE_RATE_HZ:.1f} s; {MIN_DURATION_S:g} s are needed.")
        features = cache.compute(piece)
    except (OSError, ModelError) as error:
        return Extracted(path, refusal=str(error))
    cache.write(entry, features)
    return Extracted(path, entry)
