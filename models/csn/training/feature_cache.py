"""Features of tracks on disk, one file each, named by the bytes of the audio and by what computed them."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from hashlib import file_digest
from multiprocessing import get_context
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from models.audio import decode, middle
from models.csn.inputs import CHROMA_SIZE, MEL_BANDS, SAMPLE_RATE_HZ, VERSION
from models.csn.track_features import TrackFeatures, waveform_to_features
from models.encoder import Floats
from models.errors import AudioUnreadable, ModelError, TrainingInterrupted
from models.whole_file import whole_file

KINDS = {
    "mel": (torch.uint8, (MEL_BANDS,)),
    "onset": (torch.float16, ()),
    "cens": (torch.uint8, (CHROMA_SIZE,)),
}
"""Of the tensors of an entry: type, and shape of a frame."""

MIN_DURATION_S = 3.0


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
class FeatureCache:
    """A folder of features.

    Attributes:
        folder: Where they lie.
        max_duration_s: Of a track that is listened to, around its middle.
    """

    folder: Path
    max_duration_s: float

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

    def read(self, entry: str) -> TrackFeatures:
        """Features of a track.

        Raises:
            TrainingInterrupted: They are damaged or gone; what is damaged is removed, so that it is made anew.
        """
        path = self._path(entry)
        try:
            return _read(path)
        except (OSError, SafetensorError, ValueError) as error:
            with suppress(OSError):
                path.unlink()
            raise TrainingInterrupted(
                f"The features {path} cannot be read ({error}). The same command makes them anew and goes on."
            ) from error

    def holds(self, entry: str) -> bool:
        """Whether there are whole features of this name."""
        try:
            _read(self._path(entry))
        except (OSError, SafetensorError, ValueError):
            return False
        return True

    def entry(self, digest: str) -> str:
        """Name of the features of a file by the SHA-256 of its bytes."""
        return f"{digest[:32]}.v{VERSION}.{self.max_duration_s:g}s"

    def write(self, entry: str, features: TrackFeatures) -> None:
        """Write features whole or not at all, whoever else writes the same.

        Raises:
            OSError: There is no room, or no right to write.
        """
        with whole_file(self._path(entry), shared=True) as part:
            part.write_bytes(save({name: getattr(features, name).contiguous() for name in KINDS}))

    def _path(self, entry: str) -> Path:
        return self.folder / f"{entry}.safetensors"


def _extracted(cache: FeatureCache, path: Path) -> Extracted:
    try:
        with path.open("rb") as file:
            entry = cache.entry(file_digest(file, "sha256").hexdigest())
            if cache.holds(entry):
                return Extracted(path, entry)
            features = _features(decode(file).waveform, cache.max_duration_s)
    except (OSError, ModelError) as error:
        return Extracted(path, refusal=str(error))
    cache.write(entry, features)
    return Extracted(path, entry)


def _features(waveform: Floats, max_duration_s: float) -> TrackFeatures:
    piece = middle(waveform, max_duration_s)
    if len(piece) < MIN_DURATION_S * SAMPLE_RATE_HZ:
        raise AudioUnreadable(f"It has {len(piece) / SAMPLE_RATE_HZ:.1f} s; {MIN_DURATION_S:g} s are needed.")
    features = waveform_to_features(piece)
    if not features.mel.any():
        raise AudioUnreadable("It is silent.")
    return features


def _read(path: Path) -> TrackFeatures:
    """Read and check an entry.

    Raises:
        OSError: It is not there.
        SafetensorError: It is damaged.
        ValueError: It holds something else.
    """
    with safe_open(path, framework="pt") as file:
        features = TrackFeatures(**{name: file.get_tensor(name) for name in KINDS})
    frames = features.onset.numel()
    for name, (dtype, columns) in KINDS.items():
        found = getattr(features, name)
        if not frames or found.dtype != dtype or tuple(found.shape) != (frames, *columns):
            raise ValueError(f"{name} has the shape {tuple(found.shape)} of {found.dtype}")
    return features
