"""What is believed of songs, given the corpus: which components a song uses, and which of them each frame is from.

Letters: J songs of a batch, N frames of the longest, T sticks, K components.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from models.hdpgmm.concentration import Concentration
from models.hdpgmm.sticks import Sticks, counted

LARGEST_RATIO = 45.0
"""Of two shares, as a logarithm."""


@dataclass(frozen=True, slots=True, eq=False)
class SongPosterior:
    """Of J songs.

    Attributes:
        components: (J, T, K) φ: which component a stick stands for; rows add up to 1.
        sticks: (J, T − 1) of the song's weights π.
        alpha: (J,) of each song, or () shared.
        frames: (J, N, T) ζ: which stick a frame is from; zero beyond a song's end.
        bound: (J,) the song's part of the evidence lower bound.
    """

    components: Tensor
    sticks: Sticks
    alpha: Concentration
    frames: Tensor
    bound: Tensor

    def responsibilities(self) -> Tensor:
        """(J, N, K) r: which component a frame is from."""
        return self.frames @ self.components

    def uses(self) -> Tensor:
        """(K,) how many sticks stand for each component."""
        return self.components.sum((0, 1), dtype=torch.float64)


@dataclass(frozen=True, slots=True, eq=False)
class SongInference:
    """Coordinate ascent for songs with the corpus held fixed (encoders, 1.4 and 1.6).

    Attributes:
        log_weights: (K,) E ln β.
        alpha: () the shared q(α0), or the prior that each song's own begins from.
        share_alpha: Which of the two.
        sticks: T.
        iterations: At most.
        tolerance: Relative gain of the bound, for all songs together, below which it ends. (The reference goes on
            until the bound stops rising: its tolerance is never looked at.)
    """

    log_weights: Tensor
    alpha: Concentration
    share_alpha: bool
    sticks: int
    iterations: int = 200
    tolerance: float = 1e-5

    def infer(self, likelihoods: Tensor, there: Tensor, start: SongPosterior | None = None) -> SongPosterior:
        """The posterior of J songs.

        Begins with the T components that hold most of the song, one stick each: unlike a random start, the same
        song always gets the same posterior.

        Args:
            likelihoods: (J, N, K) E ln p(x | component), anything where no frame is.
            there: (J, N) where frames are.
            start: Where to go on from.
        """
        found = self._assigned(start or self._start(likelihoods, there), likelihoods, there)
        for _ in range(self.iterations):
            before = found.bound.sum()
            found = self._assigned(self._updated(found, likelihoods), likelihoods, there)
            gain = found.bound.sum() - before
            if gain <= self.tolerance * before.abs():
                break
        return found

    def _start(self, likelihoods: Tensor, there: Tensor) -> SongPosterior:
        shares = torch.softmax(likelihoods + self.log_weights, -1) * there[:, :, None]
        count = min(self.sticks, likelihoods.shape[2])
        mass, chosen = shares.sum(1).topk(count, dim=1)
        components = torch.zeros_like(likelihoods[:, :1]).expand(-1, self.sticks, -1).clone()
        components[:, :count] = torch.nn.functional.one_hot(chosen, likelihoods.shape[2]).to(components.dtype)
        components[:, count:] = torch.softmax(self.log_weights, 0)
        counts = torch.nn.functional.pad(mass, (0, self.sticks - count))
        songs = len(likelihoods)
        alpha = self.alpha if self.share_alpha else _expanded(self.alpha, songs)
        return SongPosterior(
            components, counted(counts, alpha.mean.expand(songs)), alpha, shares[:, :, :0], mass.new_zeros(songs)
        )

    def _updated(self, found: SongPosterior, likelihoods: Tensor) -> SongPosterior:
        """New φ, π and α0 for the frames' sticks as they are."""
        logits = found.frames.mT @ likelihoods + self.log_weights
        sticks = counted(found.frames.sum(1), found.alpha.mean.expand(len(likelihoods)))
        alpha = found.alpha if self.share_alpha else self.alpha.after(sticks)
        return replace(found, components=_shares(logits)[0], sticks=sticks, alpha=alpha)

    def _assigned(self, found: SongPosterior, likelihoods: Tensor, there: Tensor) -> SongPosterior:
        """New ζ for φ and π as they are, and the bound, which then has a closed form."""
        logits = likelihoods @ found.components.mT + found.sticks.log_weights[:, None]
        shares, log_sums = _shares(logits)
        of_frames = (log_sums * there).sum(1)
        frames = shares * there[:, :, None]
        entropy = -torch.xlogy(found.components, found.components).sum((1, 2))
        of_components = (found.components @ self.log_weights).sum(1) + entropy
        bound = of_frames + of_components + found.sticks.evidence(found.alpha.mean, found.alpha.mean_log)
        if not self.share_alpha:
            bound = bound + found.alpha.evidence(self.alpha)
        return replace(found, frames=frames, bound=bound)


def _shares(logits: Tensor) -> tuple[Tensor, Tensor]:
    """(…, S) → (…, S) their softmax, and (…) the logarithm of the sum of their exponentials.

    What is e⁴⁵ times less than the largest counts as that much: it is nothing beside it even in double precision,
    and denormal numbers, which it would else be, make a matrix product a hundred times slower.
    """
    most = logits.amax(-1, keepdim=True)
    parts = (logits - most).clamp_min(-LARGEST_RATIO).exp()
    whole = parts.sum(-1, keepdim=True)
    return parts / whole, (most + whole.log())[..., 0]


def _expanded(found: Concentration, songs: int) -> Concentration:
    return Concentration(found.shape.expand(songs), found.rate.expand(songs))
