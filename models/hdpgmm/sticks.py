"""Stick breaking: weights out of Beta distributed shares of what is left."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Sticks:
    """Posteriors Beta(a, b) of the shares; the last of S weights takes what is left.

    Attributes:
        a: (…, S − 1)
        b: (…, S − 1)
    """

    a: Tensor
    b: Tensor

    @property
    def log_shares(self) -> Tensor:
        """(…, S − 1) E ln β'."""
        return torch.digamma(self.a) - torch.digamma(self.a + self.b)

    @property
    def log_rests(self) -> Tensor:
        """(…, S − 1) E ln (1 − β')."""
        return torch.digamma(self.b) - torch.digamma(self.a + self.b)

    @property
    def log_weights(self) -> Tensor:
        """(…, S) E ln β."""
        none = torch.zeros_like(self.a[..., :1])
        left = torch.cat([none, self.log_rests.cumsum(-1)], -1)
        return torch.cat([self.log_shares, none], -1) + left

    @property
    def mean_weights(self) -> Tensor:
        """(…, S) E β, which add up to 1."""
        share = self.a / (self.a + self.b)
        one = torch.ones_like(share[..., :1])
        left = torch.cat([one, (1 - share).cumprod(-1)], -1)
        return torch.cat([share, one], -1) * left

    def evidence(self, concentration: Tensor, log_concentration: Tensor) -> Tensor:
        """(…) E ln p − E ln q under Beta(1, c).

        Args:
            concentration: (…) E c.
            log_concentration: (…) E ln c.
        """
        log_shares, log_rests = self.log_shares, self.log_rests
        prior = log_concentration[..., None] + (concentration[..., None] - 1) * log_rests
        log_beta = torch.lgamma(self.a) + torch.lgamma(self.b) - torch.lgamma(self.a + self.b)
        own = (self.a - 1) * log_shares + (self.b - 1) * log_rests - log_beta
        return (prior - own).sum(-1)


def counted(counts: Tensor, concentration: Tensor) -> Sticks:
    """The posterior after (…, S) counts of the weights' uses, with the mean concentration (…) of the prior."""
    beyond = counts.flip(-1).cumsum(-1).flip(-1)[..., 1:]
    return Sticks(1 + counts[..., :-1], concentration[..., None] + beyond)
