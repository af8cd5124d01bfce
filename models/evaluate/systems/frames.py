"""The two baselines of paper 000 on its 52 features per frame: one Gaussian (G1) and a codebook (VQ)."""

from collections.abc import Sequence
from itertools import compress

import numpy as np
import torch
from numpy.typing import NDArray

from models.baselines.codebook import Codebook, log_shares
from models.baselines.gaussian import gaussian
from models.baselines.training.learn_codebook import learn_codebook, sampled_frames
from models.evaluate.embedded import Embedded, Floats
from models.evaluate.system import Clip, Measured
from models.evaluate.systems.standardised import standardised
from models.song_frames import VERSION, song_frames
from models.standardisation import Doubles

CODEWORDS = 256
TRAINING_FRAMES = 200_000
IDENTITY = f"song frames v{VERSION}"


def measure_frames(clip: Clip) -> Measured:
    """Frames (F, 52) in half precision, and their mean and deviation (104,) taken before.

    Both baselines keep the same, so that it is measured and stored once: some 130 kB for 30 s.
    """
    with torch.inference_mode():
        frames = song_frames(clip.waveform)
        statistics = gaussian(frames)
    return {"frames": frames.numpy().astype(np.float16), "gaussian": statistics.numpy()}


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
        tracks = [_frames(track) for track in compress(measured, learnt)]
        frames = sampled_frames(tracks, max(1, TRAINING_FRAMES // len(tracks)), self._seed)
        codebook = learn_codebook(frames, CODEWORDS, self._seed)
        rows = np.stack([_log_histogram(codebook, track) for track in measured])
        return Embedded(self.name, standardised(rows, training))


def _frames(track: Measured) -> Floats:
    return track["frames"].astype(np.float32)


def _log_histogram(codebook: Codebook, track: Measured) -> Doubles:
    nearest = codebook.nearest(torch.from_numpy(_frames(track)))
    logs: Doubles = log_shares(torch.bincount(nearest, minlength=len(codebook.words)).double()).numpy()
    return logs
