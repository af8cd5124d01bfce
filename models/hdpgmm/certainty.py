"""How sure the shares of a track are: is it long enough, and does it sound like anything that was learnt?

Letters: J tracks, F frames, K components.
"""

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

UNFAMILIAR = 0.01
"""Of the frames of music like that which was learnt, so many count as unlike it."""

_SHORTEST_S, _LONGEST_S = 0.01, 100.0


class CertaintySettings(BaseModel):
    """What an artifact knows of the certainty of its posteriors, from tracks that were not learnt from.

    Attributes:
        familiar_above: ln p of a frame, in nats, that 99 in 100 frames exceed.
        independent_s: Seconds of music that tell as much as one independent look at its shares.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    familiar_above: float
    independent_s: float = Field(gt=0)


def certainty(shares: Tensor, seconds: Tensor, familiar: Tensor, settings: CertaintySettings) -> Tensor:
    """(J,) how sure the shares are, 0 to 1; 0 for silence.

    The share of the frames that sound like something that was learnt, times the likeness, as Bhattacharyya
    coefficient, that is to be expected between the shares found and those that endless music of this kind would
    have.

    Args:
        shares: (J, K), rows add up to 1, or to 0.
        seconds: (J,) of audible sound.
        familiar: (J,) share of the frames that exceed ``familiar_above``.
        settings: Of the artifact.
    """
    roots = expected_roots(shares, seconds / settings.independent_s)
    return ((shares.sqrt() * roots).sum(-1) * familiar).clamp(0, 1)


def expected_roots(shares: Tensor, looks: Tensor) -> Tensor:
    """(J, K) E √θ for θ ~ Dirichlet(n p): what n independent looks at shares p say of the true ones.

    E √θ_k = Γ(n p_k + ½) Γ(n) / (Γ(n p_k) Γ(n + ½)); 0 where p_k or n is.
    """
    counts = shares * looks[:, None]
    seen = counts > 0
    safe = torch.where(seen, counts, 1.0)
    total = looks.clamp_min(torch.finfo(looks.dtype).tiny)[:, None]
    logs = torch.lgamma(safe + 0.5) - torch.lgamma(safe) + torch.lgamma(total) - torch.lgamma(total + 0.5)
    return torch.where(seen, logs.exp(), 0.0)


def fit_certainty(halves: Tensor, seconds: Tensor, logs: Tensor) -> CertaintySettings:
    """Measure what certainty needs on tracks that were not learnt from.

    ``independent_s`` is that with which the halves of the tracks are expected to be as alike as they are.

    Args:
        halves: (J, 2, K) shares of the first and the second half of each track.
        seconds: (J,) of audible sound in a half.
        logs: (F,) ln p of frames of these tracks.
    """
    alike = float(halves.sqrt().prod(1).sum(-1).mean())
    return CertaintySettings(
        familiar_above=round(torch.quantile(logs, UNFAMILIAR).item(), 4),
        independent_s=_independent_s(halves.mean(1), seconds, alike),
    )


def _independent_s(shares: Tensor, seconds: Tensor, alike: float) -> float:
    """By halving the interval: the longer one look takes, the less alike halves are."""
    low, high = _SHORTEST_S, _LONGEST_S
    for _ in range(60):
        middle = (low * high) ** 0.5
        expected = float(expected_roots(shares, seconds / middle).square().sum(-1).mean())
        low, high = (middle, high) if expected > alike else (low, middle)
    return float(round((low * high) ** 0.5, 4))
