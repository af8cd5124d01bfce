"""What KIM and CLMR learn, and from what."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from models.baselines.block_encoder import BlockEncoder
from models.baselines.clmr import ClmrEncoder
from models.baselines.clmr_network import ClmrNetwork
from models.baselines.kim import KimEncoder
from models.baselines.kim_network import KimNetwork
from models.baselines.training.config import ClmrConfig, KimConfig, NetworkConfig
from models.baselines.training.crop_cache import MelCache, SampleCache
from models.baselines.training.objectives import Contrast, SameSong
from models.runs.band_statistics import band_statistics
from models.runs.tensor_cache import TensorCache


@dataclass(frozen=True, slots=True)
class Task:
    """A network, and what it is to learn from pairs of crops.

    Attributes:
        encoder: Whose network it is.
        config: Kind of its configurations.
        cache: Kind of what it learns from.
        network: Of a configuration.
        objective: Likewise: a module that takes two (B, E) embeddings and gives the loss.
        begin: Told all tracks before the first epoch.
    """

    encoder: type[BlockEncoder]
    config: type[NetworkConfig]
    cache: type[TensorCache]
    network: Callable[[Any], nn.Module]
    objective: Callable[[Any], nn.Module]
    begin: Callable[[Any, Iterable[Tensor]], None]


def _kim_objective(config: KimConfig) -> nn.Module:
    return SameSong(config.encoder.dimension, config.encoder.dropout)


def _clmr_objective(config: ClmrConfig) -> nn.Module:
    return Contrast(config.encoder.dimension, config.temperature)


def _standardise_bands(network: KimNetwork, tracks: Iterable[Tensor]) -> None:
    network.standardise_by(*band_statistics(tracks))


KIM = Task(
    encoder=KimEncoder,
    config=KimConfig,
    cache=MelCache,
    network=lambda config: KimNetwork(config.encoder),
    objective=_kim_objective,
    begin=_standardise_bands,
)
CLMR = Task(
    encoder=ClmrEncoder,
    config=ClmrConfig,
    cache=SampleCache,
    network=lambda config: ClmrNetwork(config.encoder),
    objective=_clmr_objective,
    begin=lambda *_: None,
)
