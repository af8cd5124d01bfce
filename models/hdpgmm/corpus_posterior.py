"""What is believed of the corpus: components, how often songs use them, and both concentrations."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.hdpgmm.concentration import Concentration
from models.hdpgmm.normal_wishart import NormalWishart
from models.hdpgmm.settings import MixtureSettings
from models.hdpgmm.sticks import Sticks


@dataclass(frozen=True, slots=True, eq=False)
class CorpusPosterior:
    """q(β'), q(μ, Λ), q(γ) and q(α0), in float64.

    Attributes:
        components: K of them.
        sticks: (K − 1,) of the corpus's weights β.
        gamma: () of β.
        alpha: () of the songs' weights: shared by all, or what a song's own begins from.
    """

    components: NormalWishart
    sticks: Sticks
    gamma: Concentration
    alpha: Concentration

    def evidence(self, prior: "CorpusPosterior", *, share_alpha: bool) -> Tensor:
        """() the corpus's part of the evidence lower bound."""
        found = self.components.evidence(prior.components).sum()
        found = found + self.sticks.evidence(self.gamma.mean, self.gamma.mean_log)
        found = found + self.gamma.evidence(prior.gamma)
        return found + self.alpha.evidence(prior.alpha) if share_alpha else found


def prior_of(settings: MixtureSettings, features: int, device: torch.device) -> CorpusPosterior:
    """The prior, with one component that stands for all: mean 0 and W0 the scaled identity, as data is white."""

    def number(value: float) -> Tensor:
        return torch.tensor(value, dtype=torch.float64, device=device)

    one = number(1.0).expand(1)
    identity = torch.eye(features, dtype=torch.float64, device=device)[None]
    gamma = Concentration(number(settings.gamma_shape), number(settings.gamma_rate))
    return CorpusPosterior(
        components=NormalWishart(
            mean=torch.zeros(1, features, dtype=torch.float64, device=device),
            strength=settings.strength * one,
            scatter=identity / settings.precision_scale,
            degrees=(features + settings.extra_degrees) * one,
        ),
        sticks=Sticks(
            torch.ones(settings.components - 1, dtype=torch.float64, device=device),
            gamma.mean.expand(settings.components - 1),
        ),
        gamma=gamma,
        alpha=Concentration(number(settings.alpha_shape), number(settings.alpha_rate)),
    )
