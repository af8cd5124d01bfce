"""The two baselines of paper 000 on its 52 features per frame: one Gaussian (G1) and a codebook (VQ)."""

from collections.abc import Sequence
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from models.errors import ToolMissing
from models.evaluate.embedded import Embedded, Floats
from models.evaluate.system import Clip, Measured
from models.evaluate.systems.standardised import Doubles, standardised
from models.song_frames import VERSION, song_frames

if TYPE_CHECKING:
    from sklearn.cluster import MiniBatchKMeans

CODEWORDS = 256
TRAINING_FRAMES = 200_000
LOG_FLOOR = 1e-8
IDENTITY = f"song frames v{VERSION}"


def measure_frames(clip: Clip) -> Measured:
    """Frames (F, 52) in half precision, and their mean and deviation (104,) taken before.

    Both baselines keep the same, so that it is measured and stored once: some 130 kB for 30 s.
    """
    with torch.inference_mode():
        frames = song_frames(clip.waveform)
        gaussian = torch.cat([frames.mean(0), frames.std(0, correction=0)])
    return {"frames": frames.numpy().astype(np.float16), "gaussian": gaussian.numpy()}


class GaussianSystem:
    """G1: mean and population standard deviation of every feature.

    The paper feeds them to a classifier behind a z-score. Here likeness is the cosine of the z-scores: of the bare
    numbers the first MFCC, which is the level in dB, would be all of the cosine.
    """

    name = "g1"
    identity = IDENTITY
    learns = True

    def measure(self, clip: Clip) -> Measured:
        return measure_frames(clip)

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:
        rows = np.stack([track["gaussian"] for track in measured]).astype(np.float64)
        return Embedded(self.name, standardised(rows, training))


class CodebookSystem:
    """VQ: how often each of 256 codewords is the nearest, as the logarithm of a histogram.

    Standardised frames of training tracks → MiniBatchKMeans; the histogram has the sum 1 and the floor LOG_FLOOR.
    As with G1 the paper's classifier stands behind a z-score, so likeness is the cosine of z-scores.

    Args:
        seed: Of the frames that are learnt from and of the clustering.
    """

    name = "vq"
    identity = IDENTITY
    learns = True

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def measure(self, clip: Clip) -> Measured:
        return measure_frames(clip)

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:
        learnt = training if training.any() else np.ones_like(training)
        sample = self._sample(list(compress(measured, learnt)))
        mean, deviation = sample.mean(0), sample.std(0)
        scale = np.where(deviation > 0, deviation, 1)
        codebook = _codebook((sample - mean) / scale, self._seed)
        rows = np.stack([_log_histogram(codebook, (_frames(track) - mean) / scale) for track in measured])
        return Embedded(self.name, standardised(rows, training))

    def _sample(self, measured: Sequence[Measured]) -> Floats:
        """(n, 52) frames, as many of each track: TRAINING_FRAMES at most in all."""
        generator = np.random.default_rng(self._seed)
        most = max(1, TRAINING_FRAMES // len(measured))
        return np.concatenate([generator.permutation(_frames(track))[:most] for track in measured])


def _frames(track: Measured) -> Floats:
    return track["frames"].astype(np.float32)


def _codebook(frames: Floats, seed: int) -> "MiniBatchKMeans":
    try:
        from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("System 'vq' needs scikit-learn: pip install 'soundkin[evaluation]'.") from error
    return MiniBatchKMeans(min(CODEWORDS, len(frames)), random_state=seed).fit(frames)


def _log_histogram(codebook: "MiniBatchKMeans", frames: Floats) -> Doubles:
    counts = np.bincount(codebook.predict(frames), minlength=codebook.n_clusters)
    logs: Doubles = np.log(np.maximum(counts / len(frames), LOG_FLOOR))
    return logs
