"""The encoder ``g1``: one Gaussian per track, its mean and deviation by feature (paper 000, baseline G1)."""

from typing import ClassVar

import torch
from torch import Tensor

from models.audible_frames import from_segments
from models.baselines.encoder import EncoderSettings
from models.baselines.frame_encoder import FrameEncoder
from models.song_frames import FEATURES


def gaussian(frames: Tensor) -> Tensor:
    """(F, D) frames, F ≥ 1 → (2 D,) their mean and population standard deviation."""
    return torch.cat([frames.mean(0), frames.std(0, correction=0)])


class GaussianEncoder(FrameEncoder):
    """Mean and deviation over the audible frames, exact however the track is cut into segments."""

    name: ClassVar[str] = "g1"
    description: ClassVar[str] = "Sound: mean and deviation of 52 features of short frames"

    @staticmethod
    def dimension(settings: EncoderSettings) -> int:  # noqa: ARG004 - there are none
        return 2 * FEATURES

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, …) rows → (B, 1 + 2 · 52): audible frames, their mean, and the sum of squares around it."""
        frames, audible = from_segments(inputs)
        weight = audible[:, :, None]
        count = audible.sum(1, keepdim=True)
        mean = (frames * weight).sum(1) / count.clamp_min(1)
        scatter = ((frames - mean[:, None]).square() * weight).sum(1)
        return torch.cat([count, mean, scatter], 1)

    def summary(self, outputs: Tensor) -> Tensor:
        counts, means, scatters = torch.split(outputs, [1, FEATURES, FEATURES], 1)
        total = counts.sum().clamp_min(1)
        mean = (counts * means).sum(0) / total
        scatter = (scatters + counts * (means - mean).square()).sum(0)
        return torch.cat([mean, (scatter / total).sqrt()])
