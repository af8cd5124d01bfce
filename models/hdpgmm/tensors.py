"""A trained mixture as named tensors, in checkpoints and artifacts."""

from collections.abc import Mapping

import torch
from torch import Tensor

from models.hdpgmm.concentration import Concentration
from models.hdpgmm.corpus_posterior import CorpusPosterior
from models.hdpgmm.normal_wishart import NormalWishart
from models.hdpgmm.sticks import Sticks
from models.hdpgmm.whitening import Whitening


def mixture_tensors(posterior: CorpusPosterior, whitening: Whitening) -> dict[str, Tensor]:
    """All numbers by name."""
    return {
        "components.mean": posterior.components.mean,
        "components.strength": posterior.components.strength,
        "components.scatter": posterior.components.scatter,
        "components.degrees": posterior.components.degrees,
        "sticks.a": posterior.sticks.a,
        "sticks.b": posterior.sticks.b,
        "gamma": torch.stack([posterior.gamma.shape, posterior.gamma.rate]),
        "alpha": torch.stack([posterior.alpha.shape, posterior.alpha.rate]),
        "whitening.mean": whitening.mean,
        "whitening.matrix": whitening.matrix,
    }


def tensor_shapes(components: int, features: int) -> dict[str, tuple[int, ...]]:
    """Shapes of these tensors, for K components and D features."""
    return {
        "components.mean": (components, features),
        "components.strength": (components,),
        "components.scatter": (components, features, features),
        "components.degrees": (components,),
        "sticks.a": (components - 1,),
        "sticks.b": (components - 1,),
        "gamma": (2,),
        "alpha": (2,),
        "whitening.mean": (features,),
        "whitening.matrix": (features, features),
    }


def posterior_of(tensors: Mapping[str, Tensor]) -> CorpusPosterior:
    """The posterior of such tensors, in float64."""
    exact = {name: tensor.double() for name, tensor in tensors.items()}
    parts = {name: exact[f"components.{name}"] for name in ("mean", "strength", "scatter", "degrees")}
    return CorpusPosterior(
        NormalWishart(**parts),
        Sticks(exact["sticks.a"], exact["sticks.b"]),
        Concentration(*exact["gamma"]),
        Concentration(*exact["alpha"]),
    )


def whitening_of(tensors: Mapping[str, Tensor]) -> Whitening:
    """The whitening of such tensors, in float64."""
    return Whitening(tensors["whitening.mean"].double(), tensors["whitening.matrix"].double())
