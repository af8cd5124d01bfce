"""What teachers hear in recordings: two taggers for the tags, the analysis for tempo and key; once per file."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path

import numpy as np
import torch

from models.analysis import TrackAnalysis, analyse
from models.audio import SAMPLE_RATE_HZ, decode, middle
from models.datasets.track import Dataset, LabelledTrack
from models.errors import AudioUnreadable, ModelError
from models.taggers.tagger import Floats, Tagger, read_tagger, resampled
from models.track_frames import LEVEL_RMS, SILENCE_RMS, gated_rms
from models.whole_file import whole_file

TEACHERS = ("msd_fcn", "msd_crnn")
EXCERPT_S = 87.0
"""Three windows of 29 s."""

VERSION = 1
"""Raised whenever the same file would be heard differently: a part of the cache's key."""


@dataclass(frozen=True, slots=True, eq=False)
class Hearing:
    """What was heard in one recording.

    Attributes:
        probabilities: (teachers, 50) of the MSD tags.
        analysis: Tempo and key of the whole recording.
    """

    probabilities: Floats
    analysis: TrackAnalysis


@dataclass(frozen=True, slots=True, eq=False)
class Teachers:
    """Who listens, and to how much; thread-safe.

    Attributes:
        taggers: One per name of TEACHERS.
        excerpt_s: The taggers hear so much from the middle.
    """

    taggers: tuple[Tagger, ...]
    excerpt_s: float = EXCERPT_S

    @property
    def identity(self) -> str:
        """Changes whenever the same file would be heard differently."""
        digests = (tagger.digest for tagger in self.taggers)
        return sha256(f"{VERSION} {self.excerpt_s} {' '.join(digests)}".encode()).hexdigest()[:16]

    def listen(self, path: Path) -> Hearing:
        """Listen to a file.

        Raises:
            AudioUnreadable: It is not audio, or silent.
            WaveformTooShort: It is shorter than a second.
        """
        with path.open("rb") as file:
            waveform = decode(file).waveform
        excerpt = resampled(levelled(middle(waveform, self.excerpt_s)), SAMPLE_RATE_HZ)
        probabilities = np.stack([tagger.score(excerpt).mean for tagger in self.taggers])
        return Hearing(probabilities, analyse(waveform))


def read_teachers(folder: Path, excerpt_s: float = EXCERPT_S) -> Teachers:
    """Load the teachers from ``msd_fcn.pth`` and ``msd_crnn.pth``.

    Raises:
        ArtifactInvalid: One is missing, damaged or another network.
    """
    return Teachers(tuple(read_tagger(folder / f"{name}.pth") for name in TEACHERS), excerpt_s)


def listen_to_all(
    dataset: Dataset, teachers: Teachers, cache: Path, jobs: int
) -> Iterator[tuple[LabelledTrack, Hearing | str]]:
    """What was heard in each track, in the dataset's order, or why it cannot be used.

    Args:
        dataset: Tracks.
        teachers: Who listens.
        cache: Folder in which what was heard is kept by the bytes of the files; what is there is not heard again.
        jobs: Threads.
    """
    cache.mkdir(parents=True, exist_ok=True)
    hear = partial(_hear, teachers=teachers, cache=cache)
    with ThreadPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from zip(dataset.tracks, pool.map(hear, dataset.tracks), strict=True)


def levelled(waveform: Floats) -> Floats:
    """(T,) → (T,) at LEVEL_RMS: the taggers would hear other tags in the same music played softly.

    Raises:
        AudioUnreadable: It is silent.
    """
    level = gated_rms(waveform)
    if level < SILENCE_RMS:
        raise AudioUnreadable("The part that the taggers would hear is silent.")
    return waveform * np.float32(LEVEL_RMS / level)


def _hear(track: LabelledTrack, teachers: Teachers, cache: Path) -> Hearing | str:
    try:
        with track.path.open("rb") as file:
            kept = cache / f"{file_digest(file, 'sha256').hexdigest()}.{teachers.identity}.json"
        if not kept.exists():
            _keep(kept, teachers.listen(track.path))
        return _kept(kept)
    except (OSError, ModelError) as error:
        return str(error)


def _keep(path: Path, hearing: Hearing) -> None:
    """Write whole or not at all: an interrupted run goes on where it stopped."""
    heard = {"probabilities": hearing.probabilities.tolist(), "analysis": asdict(hearing.analysis)}
    with whole_file(path, shared=True) as part:
        part.write_text(json.dumps(heard), encoding="utf-8")


def _kept(path: Path) -> Hearing:
    heard = json.loads(path.read_text(encoding="utf-8"))
    return Hearing(np.array(heard["probabilities"], np.float32), TrackAnalysis(**heard["analysis"]))
