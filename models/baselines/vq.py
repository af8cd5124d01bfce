"""The encoder ``vq``: how often a track uses each codeword of a codebook (paper 000, baseline VQCodebook)."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from models.artifact import Artifact
from models.audible_frames import from_segments
from models.baselines.codebook import Codebook, log_shares
from models.baselines.encoder import EncoderSettings
from models.baselines.frame_encoder import FrameEncoder
from models.song_frames import FEATURES

PREFIX = "codebook."
SEGMENTS_AT_ONCE = 64
"""So many segments take some 17 MB of scores."""


class VqSettings(EncoderSettings):
    """Of a codebook.

    Attributes:
        codewords: K; 000 takes 256.
    """

    codewords: Annotated[int, Field(ge=2, le=65_536)] = 256


class VqEncoder(FrameEncoder):
    """Logarithms of the shares of codewords among the audible frames."""

    name: ClassVar[str] = "vq"
    description: ClassVar[str] = "Sound: how often each codeword of short frames is the nearest"
    settings_kind: ClassVar[type[EncoderSettings]] = VqSettings

    @staticmethod
    def dimension(settings: VqSettings) -> int:
        return settings.codewords

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, …) rows → (B, 1 + K): audible frames, and how many of them each codeword is nearest to."""
        return torch.cat([self._counts(rows) for rows in torch.split(inputs, SEGMENTS_AT_ONCE)])

    def summary(self, outputs: Tensor) -> Tensor:
        return log_shares(outputs[:, 1:].sum(0))

    def _counts(self, rows: Tensor) -> Tensor:
        frames, audible = from_segments(rows)
        counts = audible.new_zeros(len(rows), len(self._codebook.words))
        counts.scatter_add_(1, self._codebook.nearest(frames), audible)
        return torch.cat([audible.sum(1, keepdim=True), counts], 1)

    def _build(self, artifact: Artifact, settings: VqSettings) -> None:
        shapes = {"mean": (FEATURES,), "weight": (FEATURES,), "words": (settings.codewords, FEATURES)}
        tensors = {part: artifact.tensor(f"{PREFIX}{part}", *shape).double() for part, shape in shapes.items()}
        self._codebook = Codebook(**tensors).to(self.device)
