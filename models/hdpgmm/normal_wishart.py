"""Posteriors of the means and precisions of Gaussians: Normal–Wishart distributions.

q(μ, Λ) = N(μ | m, (λΛ)⁻¹) W(Λ | W, ν). Letters: K components, D features, P monomials of ``quadratic``.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from models.hdpgmm.quadratic import coefficients, unpack

LOG_2 = math.log(2)
LOG_2_PI = math.log(2 * math.pi)


@dataclass(frozen=True, eq=False)
class NormalWishart:
    """K of them, in float64.

    Attributes:
        mean: (K, D) m.
        strength: (K,) λ.
        scatter: (K, D, D) W⁻¹, positive definite.
        degrees: (K,) ν, above D − 1.
    """

    mean: Tensor
    strength: Tensor
    scatter: Tensor
    degrees: Tensor

    @property
    def features(self) -> int:
        return self.mean.shape[1]

    @cached_property
    def factor(self) -> Tensor:
        """(K, D, D) lower Cholesky factor of the scatter."""
        factor: Tensor = torch.linalg.cholesky(self.scatter)
        return factor

    @cached_property
    def log_determinant(self) -> Tensor:
        """(K,) ln |W|."""
        found: Tensor = -2 * torch.diagonal(self.factor, dim1=1, dim2=2).log().sum(1)
        return found

    @cached_property
    def expected_log_precision(self) -> Tensor:
        """(K,) E ln |Λ|."""
        steps = torch.arange(self.features, dtype=self.mean.dtype, device=self.mean.device)
        digammas = torch.digamma((self.degrees[:, None] - steps) / 2).sum(1)
        found: Tensor = digammas + self.features * LOG_2 + self.log_determinant
        return found

    @cached_property
    def expected_log_likelihood(self) -> Tensor:
        """(P, K) coefficients of E ln N(x | μ, Λ⁻¹) as a function of x (encoders, 1.4: E_nk)."""
        precision = self.degrees[:, None, None] * torch.cholesky_inverse(self.factor)
        linear = (precision @ self.mean[:, :, None])[:, :, 0]
        offset = (linear * self.mean).sum(1)
        features = self.features
        constant = 0.5 * (self.expected_log_precision - features * LOG_2_PI - features / self.strength - offset)
        return coefficients(constant, linear, -0.5 * precision)

    def predictive(self) -> tuple[Tensor, Tensor, Tensor]:
        """Student's t that the next frame of a component follows: (K, D) place, (K, D, D) scale, (K,) degrees."""
        degrees = self.degrees - self.features + 1
        scale = self.scatter * ((1 + self.strength) / (self.strength * degrees))[:, None, None]
        return self.mean, scale, degrees

    def natural(self) -> "Natural":
        """The same as natural parameters."""
        first = self.strength[:, None] * self.mean
        second = self.scatter + first[:, :, None] * self.mean[:, None, :]
        return Natural(self.strength, first, second, self.degrees)

    def evidence(self, prior: "NormalWishart") -> Tensor:
        """(K,) E ln p(μ, Λ) − E ln q(μ, Λ): minus the divergence from the prior, which holds one component."""
        features = self.features
        apart = self.mean - prior.mean
        solved = torch.linalg.solve_triangular(self.factor, apart[:, :, None], upper=False)[:, :, 0]
        distance = self.degrees * (solved**2).sum(1)
        half = torch.linalg.solve_triangular(self.factor, prior.factor.expand_as(self.factor), upper=False)
        trace = self.degrees * (half**2).sum((1, 2))
        ratio = prior.strength / self.strength
        of_mean = 0.5 * (features * (ratio.log() - ratio + 1) - prior.strength * distance)
        of_precision = (
            _log_normaliser(prior)
            - _log_normaliser(self)
            + 0.5 * (prior.degrees - self.degrees) * self.expected_log_precision
            - 0.5 * trace
            + 0.5 * self.degrees * features
        )
        found: Tensor = of_mean + of_precision
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Natural:
    """Natural parameters: what observations are simply added to.

    Attributes:
        count: (K,) λ.
        first: (K, D) λ m.
        second: (K, D, D) W⁻¹ + λ m mᵀ.
        degrees: (K,) ν.
    """

    count: Tensor
    first: Tensor
    second: Tensor
    degrees: Tensor

    def observed(self, sums: Tensor) -> "Natural":
        """After (K, P) sums of the monomials of frames."""
        counts, first, second = unpack(sums, self.first.shape[1])
        return Natural(self.count + counts, self.first + first, self.second + second, self.degrees + counts)

    def mixed(self, other: "Natural", share: float) -> "Natural":
        """A step of this share towards another: the natural gradient."""
        return Natural(
            torch.lerp(self.count, other.count, share),
            torch.lerp(self.first, other.first, share),
            torch.lerp(self.second, other.second, share),
            torch.lerp(self.degrees, other.degrees, share),
        )

    def distribution(self) -> NormalWishart:
        """As means and scatters."""
        mean = self.first / self.count[:, None]
        scatter = self.second - self.first[:, :, None] * mean[:, None, :]
        return NormalWishart(mean, self.count, (scatter + scatter.mT) / 2, self.degrees)


def _log_normaliser(found: NormalWishart) -> Tensor:
    """(K,) ln B(W, ν) of the Wishart (Bishop 2006, equation B.79)."""
    features = found.features
    steps = torch.arange(features, dtype=found.mean.dtype, device=found.mean.device)
    log_gammas = torch.lgamma((found.degrees[:, None] - steps) / 2).sum(1)
    pairs = features * (features - 1) / 4 * math.log(math.pi)
    return (
        -0.5 * found.degrees * found.log_determinant - 0.5 * found.degrees * features * LOG_2 - pairs - log_gammas
    )
