"""What the corpus learns from a minibatch of songs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.hdpgmm.concentration import Concentration
from models.hdpgmm.corpus_posterior import CorpusPosterior
from models.hdpgmm.normal_wishart import NormalWishart
from models.hdpgmm.song_posterior import SongPosterior
from models.hdpgmm.sticks import Sticks, counted

Step = Literal["natural", "reference"]


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What is kept of songs; those of several batches add up.

    Attributes:
        frames: (K, P) Σ r · monomials, in float64.
        uses: (K,) sticks that stand for each component.
        broken: Sticks that all songs together broke.
        log_rests: () Σ E ln (1 − π') over them.
    """

    frames: Tensor
    uses: Tensor
    broken: int
    log_rests: Tensor

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.frames + other.frames,
            self.uses + other.uses,
            self.broken + other.broken,
            self.log_rests + other.log_rests,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Splash:
    """Noise that keeps components apart early on: r̃ = (1 − η) r + η e (paper 000, equation 4).

    Attributes:
        share: η.
        noise: (J, N, K) rows that add up to 1, or 1 / K.
    """

    share: float
    noise: Tensor | float


def sums_of(songs: SongPosterior, packed: Tensor, there: Tensor, splash: Splash | None = None) -> Sums:
    """Sums of J songs.

    Args:
        songs: Their posterior.
        packed: (J, N, P) monomials of their frames.
        there: (J, N) where frames are.
        splash: Added to the responsibilities of frames, and to nothing else.
    """
    shares = songs.responsibilities()
    if splash:
        shares = (1 - splash.share) * shares + splash.share * splash.noise * there[:, :, None]
    frames = shares.flatten(0, 1).mT @ packed.flatten(0, 1)
    log_rests = songs.sticks.log_rests.double()
    return Sums(frames.double(), songs.uses(), log_rests.numel(), log_rests.sum())


def learnt(
    now: CorpusPosterior, prior: CorpusPosterior, sums: Sums, scale: float, *, share_alpha: bool
) -> CorpusPosterior:
    """The posterior if the whole corpus were like these songs: where a step leads to.

    Args:
        now: The posterior by which the songs were inferred.
        prior: With one component that stands for all.
        sums: Of the songs of a minibatch.
        scale: Songs of the corpus for each of them.
        share_alpha: Whether all songs have one α0.
    """
    sticks = counted(scale * sums.uses, now.gamma.mean)
    alpha = prior.alpha
    if share_alpha:
        alpha = Concentration(alpha.shape + scale * sums.broken, alpha.rate - scale * sums.log_rests)
    return CorpusPosterior(
        components=prior.components.natural().observed(scale * sums.frames).distribution(),
        sticks=sticks,
        gamma=prior.gamma.after(sticks),
        alpha=alpha,
    )


def stepped(now: CorpusPosterior, target: CorpusPosterior, rate: float, step: Step = "natural") -> CorpusPosterior:
    """A step of ``rate`` (0 to 1) towards a target.

    ``natural`` mixes natural parameters, which is the natural gradient of the bound (Hoffman et al. 2013);
    ``reference`` mixes means and W⁻¹ / ν of the components, as the code of paper 000 does.
    """
    return CorpusPosterior(
        components=_STEPS[step](now.components, target.components, rate),
        sticks=Sticks(
            torch.lerp(now.sticks.a, target.sticks.a, rate), torch.lerp(now.sticks.b, target.sticks.b, rate)
        ),
        gamma=_mixed(now.gamma, target.gamma, rate),
        alpha=_mixed(now.alpha, target.alpha, rate),
    )


def _natural(now: NormalWishart, target: NormalWishart, rate: float) -> NormalWishart:
    return now.natural().mixed(target.natural(), rate).distribution()


def _reference(now: NormalWishart, target: NormalWishart, rate: float) -> NormalWishart:
    degrees = torch.lerp(now.degrees, target.degrees, rate)
    covariance = torch.lerp(
        now.scatter / now.degrees[:, None, None], target.scatter / target.degrees[:, None, None], rate
    )
    return NormalWishart(
        mean=torch.lerp(now.mean, target.mean, rate),
        strength=torch.lerp(now.strength, target.strength, rate),
        scatter=covariance * degrees[:, None, None],
        degrees=degrees,
    )


def _mixed(now: Concentration, target: Concentration, rate: float) -> Concentration:
    return Concentration(torch.lerp(now.shape, target.shape, rate), torch.lerp(now.rate, target.rate, rate))


_STEPS: dict[Step, Callable[[NormalWishart, NormalWishart, float], NormalWishart]] = {
    "natural": _natural,
    "reference": _reference,
}
