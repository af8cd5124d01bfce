"""The encoder ``clmr``: a network on samples that learnt to tell songs apart (paper 000, baseline CLMR)."""

from typing import ClassVar

from torch import Tensor

from models.artifact import Artifact
from models.baselines.block_encoder import BlockEncoder
from models.baselines.blocks import Blocks
from models.baselines.clmr_inputs import BLOCKS, VERSION, audible, samples
from models.baselines.clmr_network import ClmrNetwork, ClmrSettings
from models.baselines.encoder import EncoderSettings
from models.encoder import Floats


class ClmrEncoder(BlockEncoder):
    """Mean of the encoder's outputs over blocks of 2.68 s."""

    name: ClassVar[str] = "clmr"
    description: ClassVar[str] = "Sound: what crops of the same song have in common, in samples"
    settings_kind: ClassVar[type[EncoderSettings]] = ClmrSettings
    inputs_version: ClassVar[int] = VERSION
    blocks: ClassVar[Blocks] = BLOCKS
    blocks_at_once: ClassVar[int] = 8

    @staticmethod
    def dimension(settings: ClmrSettings) -> int:
        return settings.dimension

    @staticmethod
    def rows(canonical: Floats) -> Tensor:
        return samples(canonical)

    @staticmethod
    def audible(blocks: Tensor) -> Tensor:
        return audible(blocks)

    def _build(self, artifact: Artifact, settings: ClmrSettings) -> None:
        self._take_network(ClmrNetwork(settings), artifact)
