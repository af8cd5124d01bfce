"""Concentrations of Dirichlet processes: Gamma distributed."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.hdpgmm.sticks import Sticks


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """Gamma(shape, rate).

    Attributes:
        shape: (…)
        rate: (…)
    """

    shape: Tensor
    rate: Tensor

    @property
    def mean(self) -> Tensor:
        """(…) E c."""
        return self.shape / self.rate

    @property
    def mean_log(self) -> Tensor:
        """(…) E ln c."""
        return torch.digamma(self.shape) - self.rate.log()

    def to(self, dtype: torch.dtype) -> "Concentration":
        """In another precision."""
        return Concentration(self.shape.to(dtype), self.rate.to(dtype))

    def evidence(self, prior: "Concentration") -> Tensor:
        """(…) E ln p − E ln q."""
        expected = prior.shape * prior.rate.log() - torch.lgamma(prior.shape)
        expected = expected + (prior.shape - 1) * self.mean_log - prior.rate * self.mean
        entropy = self.shape - self.rate.log() + torch.lgamma(self.shape)
        return expected + entropy + (1 - self.shape) * torch.digamma(self.shape)

    def after(self, sticks: Sticks) -> "Concentration":
        """This prior after sticks that were broken with the concentration (encoders, 1.4: y and w)."""
        log_rests = sticks.log_rests
        return Concentration(self.shape + log_rests.shape[-1], self.rate - log_rests.sum(-1))
