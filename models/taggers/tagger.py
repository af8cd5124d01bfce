"""A tagger: any length of sound to the probability of fifty tags."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import ToolMissing, WaveformTooShort
from models.taggers.front_end import SAMPLE_RATE_HZ, waveform_to_log_mel
from models.taggers.networks import Network
from models.taggers.weights import read_network

Floats = NDArray[np.float32]
MIN_SAMPLES = SAMPLE_RATE_HZ
BATCH_SAMPLES = 2 * 29 * SAMPLE_RATE_HZ
"""Sound that passes through a network at once: some 500 MB of feature maps."""


@dataclass(frozen=True, slots=True, eq=False)
class TagScores:
    """What a tagger heard in S windows of one track.

    Attributes:
        tags: (50,) names, in the order of the columns.
        windows: (S, 50) probabilities, 0 to 1.
        hidden: (S, D) last hidden layer after its activation.
    """

    tags: tuple[str, ...]
    windows: Floats
    hidden: Floats

    @property
    def mean(self) -> Floats:
        """(50,) probabilities of the track."""
        mean: Floats = self.windows.mean(0)
        return mean

    @property
    def embedding(self) -> Floats:
        """(D,) mean hidden layer of the track."""
        mean: Floats = self.hidden.mean(0)
        return mean

    def top(self, count: int) -> list[tuple[str, float]]:
        """The most probable tags of the track, best first."""
        mean = self.mean
        return [(self.tags[number], float(mean[number])) for number in np.argsort(-mean, kind="stable")[:count]]


@dataclass(frozen=True, slots=True, eq=False)
class Tagger:
    """A network with its vocabulary; thread-safe.

    Attributes:
        name: Of its weights file, for example ``msd_fcn``.
        tags: (50,) names of its outputs.
        digest: SHA-256 of its weights file.
    """

    name: str
    tags: tuple[str, ...]
    digest: str
    network: Network

    def score(self, waveform: Floats) -> TagScores:
        """Tag (T,) mono samples at 16 kHz.

        Raises:
            WaveformTooShort: Less than MIN_SAMPLES.
        """
        windows = torch.from_numpy(cut_windows(waveform, self.network.input_samples))
        with torch.inference_mode():
            blocks = torch.split(windows, max(1, BATCH_SAMPLES // self.network.input_samples))
            hidden, probabilities = zip(
                *(self.network(waveform_to_log_mel(block)) for block in blocks), strict=True
            )
        return TagScores(self.tags, torch.cat(probabilities).numpy(), torch.cat(hidden).numpy())


def read_tagger(path: Path) -> Tagger:
    """Load a tagger from its weights file, such as ``msd_fcn.pth``.

    Raises:
        ArtifactInvalid: See ``models.taggers.weights``.
    """
    network, tags, digest = read_network(path)
    return Tagger(path.stem, tags, digest, network)


def cut_windows(waveform: Floats, samples: int) -> Floats:
    """(T,) → (S, samples) windows side by side; S is T / samples rounded, at least 1.

    A last window that is at least half full, or the only one, is filled up by repeating itself.

    Raises:
        WaveformTooShort: T is below MIN_SAMPLES.
    """
    if len(waveform) < MIN_SAMPLES:
        raise WaveformTooShort(
            f"{len(waveform)} samples are {len(waveform) / SAMPLE_RATE_HZ:.2f} s; a tagger needs at least "
            f"{MIN_SAMPLES / SAMPLE_RATE_HZ:g} s."
        )
    count = max(1, (2 * len(waveform) + samples) // (2 * samples))
    last = waveform[(count - 1) * samples : count * samples]
    whole = np.concatenate([waveform[: (count - 1) * samples], np.resize(last, samples)])
    return whole.astype(np.float32, copy=False).reshape(count, samples)


def resampled(waveform: Floats, rate_hz: int) -> Floats:
    """(T,) mono at ``rate_hz`` → mono at the rate of the taggers.

    Raises:
        ToolMissing: soxr is not installed.
    """
    try:
        import soxr  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("Taggers need soxr to resample: pip install 'soundkin[evaluation]'.") from error
    converted: Floats = soxr.resample(waveform, rate_hz, SAMPLE_RATE_HZ)
    return converted
