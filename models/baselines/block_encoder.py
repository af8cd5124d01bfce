"""What the baselines with a network do: embed block after block, and take the mean.

Axis letters: S blocks of a track, B of several, L rows of a block, E dimensions of an embedding.
"""

from abc import abstractmethod
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.artifact import Artifact
from models.baselines.blocks import Blocks
from models.baselines.encoder import BaselineEncoder
from models.channels_last import channels_last
from models.encoder import Floats, Prepared, check_length
from models.track_frames import SAMPLE_RATE_HZ, canonicalise

PREFIX = "network."


class BlockEncoder(BaselineEncoder):
    """A track is the mean of the embeddings of its audible blocks."""

    blocks: ClassVar[Blocks]
    blocks_at_once: ClassVar[int]

    @staticmethod
    @abstractmethod
    def rows(canonical: Floats) -> Tensor:
        """(T,) canonical samples → (R, …) what blocks are cut from."""

    @staticmethod
    @abstractmethod
    def audible(blocks: Tensor) -> Tensor:
        """(B, L, …) blocks → (B,) which of them are not silent."""

    def prepare(self, waveform: Floats) -> Prepared:
        """(T,) mono samples → (S, L, …) blocks of the canonical waveform.

        Raises:
            WaveformTooShort: Less than half a second.
        """
        check_length(waveform, self.name, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ // 2)
        with torch.inference_mode():
            track = self.rows(canonicalise(waveform))
            starts = self.blocks.starts(len(track))
            spans_s = self.blocks.spans_s(starts, len(waveform), SAMPLE_RATE_HZ)
            return Prepared(self.blocks.cut(track, starts), spans_s)

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, L, …) blocks → (B, 1 + E): whether they are audible, and their embeddings."""
        parts = [self._embedded(part) for part in torch.split(inputs, self.blocks_at_once)]
        return torch.cat(parts)

    def summary(self, outputs: Tensor) -> Tensor:
        return mean_embedding(outputs[:, 1:], outputs[:, 0])

    def _embedded(self, blocks: Tensor) -> Tensor:
        return torch.cat([self.audible(blocks)[:, None].float(), self._network(blocks)], 1)

    def _take_network(self, network: nn.Module, artifact: Artifact) -> None:
        """Take its weights from the artifact.

        Raises:
            ArtifactInvalid: They are those of another network.
        """
        artifact.fill(network, PREFIX)
        self._network = channels_last(network.eval()).to(self.device)


def mean_embedding(embeddings: Tensor, weights: Tensor) -> Tensor:
    """(S, E) embeddings and (S,) weights → (E,) their mean; 0 where all weights are."""
    return (embeddings * weights[:, None]).sum(0) / weights.sum().clamp_min(1)
