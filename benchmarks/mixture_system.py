"""A trained mixture as a system of an evaluation; frames are measured once for all."""

from collections.abc import Sequence
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


class MixtureSystem:
    """Vectors of clips by one mixture, as the encoder gives them.

    Args:
        name: As tables print it.
        artifact: Folder of the encoder ``hdpgmm``.
    """

    identity = f"audible song frames v{VERSION}"
    learns = False

    def __init__(self, name: str, artifact: Path) -> None:
        self.name = name
        self._artifact = artifact

    def measure(self, clip: Clip) -> Measured:
        with torch.inference_mode():
            frames, audible = track_frames(clip.waveform)
        return {"frames": frames[audible].numpy()}

    @staticmethod
    def frames(measured: Measured) -> Tensor:
        """(F, 52) of what was measured."""
        return torch.from_numpy(measured["frames"])

    def embed(self, measured: Sequence[Measured], training: Bools) -> Embedded:  # noqa: ARG002
        shares = _likelihoods(*_loaded(self._artifact, [self.frames(track) for track in measured]))
        return Embedded(self.name, np.sqrt(shares).astype(np.float32))


def shares_of(artifact: Path, tracks: Sequence[Tensor]) -> Shares:
    """Shares in tracks of (F, 52) audible frames, by a mixture on disk."""
    mixture, white = _loaded(artifact, tracks)
    return Shares(_likelihoods(mixture, white), _responsibilities(mixture, white))


def _loaded(artifact: Path, tracks: Sequence[Tensor]) -> tuple[OnlineMixture, list[Tensor]]:
    """A mixture on disk, and the tracks' frames as it hears them."""
    found = read_artifact(artifact)
    settings = MixtureSettings.model_validate(found.manifest.settings["mixture"])
    whitening = whitening_of(found.tensors)
    mixture = OnlineMixture(settings, OnlineSettings(), FEATURES)
    mixture.posterior = posterior_of(found.tensors)
    return mixture, [whitening.apply(frames) for frames in tracks]


@torch.inference_mode()
def _likelihoods(mixture: OnlineMixture, white: Sequence[Tensor]) -> Doubles:
    coefficients = mixture.posterior.components.expected_log_likelihood.float()
    shares = [torch.softmax(pack(frames) @ coefficients, -1).mean(0) for frames in white]
    return torch.stack(shares).double().numpy()


@torch.inference_mode()
def _responsibilities(mixture: OnlineMixture, white: Sequence[Tensor]) -> Doubles:
    shares = [
        (mixture.infer(batch).responsibilities() * batch.there[:, :, None]).sum(1) / batch.there.sum(1)[:, None]
        for batch in batches(white, mixture.online.frames_at_once)
    ]
    return torch.cat(shares).double().numpy()
