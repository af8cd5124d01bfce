"""A trained mixture as a system of an evaluation, by any reading of it; frames are measured once for all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.artifact import read_artifact
from models.audible_frames import track_frames
from models.evaluate.embedded import Embedded
from models.evaluate.system import Clip, Measured
from models.hdpgmm.online import OnlineMixture, OnlineSettings, batches
from models.hdpgmm.quadratic import pack
from models.hdpgmm.settings import MixtureSettings
from models.hdpgmm.tensors import posterior_of, whitening_of
from models.song_frames import FEATURES, VERSION

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """(N, K) shares of the components in tracks by two readings; rows add up to 1.

    Attributes:
        likelihoods: Mean over frames of softmax_k E ln p(x | k) (encoders, 1.6, b: what is shipped).
        responsibilities: Mean over frames of r, from the inference of the song (c).
    """

    likelihoods: Doubles
    responsibilities: Doubles


Reading = Callable[[Shares, Bools], tuple[Doubles, dict[str, slice]]]
"""Shares of N tracks, and which of them may be learnt from, to (N, D) vectors and their spaces."""


class MixtureSystem:
    """Vectors of clips by one reading of one mixture.

    Args:
        name: As tables print it.
        artifact: Folder of the encoder ``hdpgmm``.
        reading: Of the shares.
        learns: Whether the reading looks at tracks for training.
    """

    identity = f"audible song frames v{VERSION}"

    def __init__(self, name: str, artifact: Path, reading: Reading, *, learns: bool = False) -> None:
        self.name = name
        self.learns = learns
        self._artifact = artifact
        self._reading = reading

    def measure(self, clip: Clip) -> Measured:
        with torch.inference_mode():
            frames, audible = track_frames(clip.waveform)
        return {"frames": frames[audible].numpy()}

    @staticmethod
    def frames(measured: Measured) -> Tensor:
        """(F, 52) of what was measured."""
        return torch.from_numpy(measured["frames"])

    def embed(self, measured: Sequence[Measured], training: Bools) -> Embedded:
        shares = shares_of(self._artifact, [self.frames(track) for track in measured])
        vectors, spaces = self._reading(shares, training)
        return Embedded(self.name, vectors.astype(np.float32), spaces)


def roots(shares: Shares, _training: Bools) -> tuple[Doubles, dict[str, slice]]:
    """What the encoder gives."""
    return np.sqrt(shares.likelihoods), {}


def shares_of(artifact: Path, tracks: Sequence[Tensor]) -> Shares:
    """Shares in tracks of (F, 52) audible frames, by a mixture on disk."""
    found = read_artifact(artifact)
    settings = MixtureSettings.model_validate(found.manifest.settings["mixture"])
    whitening = whitening_of(found.tensors)
    mixture = OnlineMixture(settings, OnlineSettings(), FEATURES)
    mixture.posterior = posterior_of(found.tensors)
    with torch.inference_mode():
        white = [whitening.apply(frames) for frames in tracks]
        coefficients = mixture.posterior.components.expected_log_likelihood.float()
        likelihoods = [torch.softmax(pack(frames) @ coefficients, -1).mean(0) for frames in white]
        responsibilities = [
            (mixture.infer(batch).responsibilities() * batch.there[:, :, None]).sum(1) / batch.there.sum(1)[:, None]
            for batch in batches(white, mixture.online.frames_at_once)
        ]
    return Shares(torch.stack(likelihoods).double().numpy(), torch.cat(responsibilities).double().numpy())
