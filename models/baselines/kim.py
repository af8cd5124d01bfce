"""The encoder ``kim``: a network that learnt which crops are of the same song (paper 000, baseline KIM)."""

from typing import ClassVar

import torch
from torch import Tensor

from models.artifact import Artifact
from models.baselines.block_encoder import BlockEncoder
from models.baselines.blocks import Blocks
from models.baselines.encoder import EncoderSettings
from models.baselines.kim_inputs import VERSION, audible, kim_blocks, mel_decibels
from models.baselines.kim_network import KimNetwork, KimSettings
from models.encoder import Floats


class KimEncoder(BlockEncoder):
    """Mean, and with ``deviation`` also the deviation, of the representation layer over blocks of 2.5 s."""

    name: ClassVar[str] = "kim"
    description: ClassVar[str] = "Sound: what crops of the same song have in common, in mel spectrograms"
    settings_kind: ClassVar[type[EncoderSettings]] = KimSettings
    inputs_version: ClassVar[int] = VERSION
    blocks: ClassVar[Blocks] = kim_blocks()
    blocks_at_once: ClassVar[int] = 32

    @staticmethod
    def dimension(settings: KimSettings) -> int:
        return settings.dimension * (2 if settings.deviation else 1)

    @staticmethod
    def rows(canonical: Floats) -> Tensor:
        return mel_decibels(canonical)

    @staticmethod
    def audible(blocks: Tensor) -> Tensor:
        return audible(blocks)

    def summary(self, outputs: Tensor) -> Tensor:
        """(S, 1 + E) → (E,), or (2 E,) with the population deviation, which is 0 for a single block."""
        mean = super().summary(outputs)
        if not self._deviation:
            return mean
        weights, embeddings = outputs[:, 0], outputs[:, 1:]
        squares = (embeddings - mean).square() * weights[:, None]
        return torch.cat([mean, (squares.sum(0) / weights.sum().clamp_min(1)).sqrt()])

    def _build(self, artifact: Artifact, settings: KimSettings) -> None:
        self._deviation = settings.deviation
        self._take_network(KimNetwork(settings), artifact)
