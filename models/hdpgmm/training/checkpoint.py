"""Where a run stands after an epoch."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from models.hdpgmm.concentration import Concentration
from models.hdpgmm.corpus_posterior import CorpusPosterior
from models.hdpgmm.normal_wishart import NormalWishart
from models.hdpgmm.sticks import Sticks
from models.hdpgmm.whitening import Whitening


@dataclass(slots=True)
class MixtureCheckpoint:
    """State after an epoch.

    Attributes:
        identity: What the run learns, and from what: a run with another one cannot go on from here.
        epoch: Epochs that are done.
        updates: Of the posterior.
        tensors: Posterior and whitening, as ``posterior_tensors`` and ``whitening_tensors`` name them.
    """

    identity: str
    epoch: int = 0
    updates: int = 0
    tensors: dict[str, Tensor] = field(default_factory=dict)


def posterior_tensors(found: CorpusPosterior) -> dict[str, Tensor]:
    """All numbers of a posterior by name."""
    return {
        "components.mean": found.components.mean,
        "components.strength": found.components.strength,
        "components.scatter": found.components.scatter,
        "components.degrees": found.components.degrees,
        "sticks.a": found.sticks.a,
        "sticks.b": found.sticks.b,
        "gamma": torch.stack([found.gamma.shape, found.gamma.rate]),
        "alpha": torch.stack([found.alpha.shape, found.alpha.rate]),
    }


def posterior_of(tensors: dict[str, Tensor]) -> CorpusPosterior:
    """The posterior of such tensors."""
    parts = {name: tensors[f"components.{name}"] for name in ("mean", "strength", "scatter", "degrees")}
    return CorpusPosterior(
        NormalWishart(**parts),
        Sticks(tensors["sticks.a"], tensors["sticks.b"]),
        Concentration(*tensors["gamma"]),
        Concentration(*tensors["alpha"]),
    )


def whitening_tensors(found: Whitening) -> dict[str, Tensor]:
    """Likewise of a whitening."""
    return {"whitening.mean": found.mean, "whitening.matrix": found.matrix}


def whitening_of(tensors: dict[str, Tensor]) -> Whitening:
    """The whitening of such tensors."""
    return Whitening(tensors["whitening.mean"], tensors["whitening.matrix"])
