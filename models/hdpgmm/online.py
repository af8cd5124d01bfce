"""Online variational inference: the corpus's posterior from minibatches of songs (encoders, 1.4 and 1.5)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Annotated, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from models.hdpgmm.corpus_posterior import CorpusPosterior, prior_of
from models.hdpgmm.corpus_step import Splash, Step, Sums, learnt, stepped, sums_of
from models.hdpgmm.quadratic import pack, packed_size
from models.hdpgmm.settings import MixtureSettings
from models.hdpgmm.song_batch import SongBatch, song_batch
from models.hdpgmm.song_posterior import SongInference, SongPosterior

SPLASH_DECAY = 1000
"""Updates after which half of the noise is left."""

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class OnlineSettings(BaseModel):
    """How the posterior is learnt.

    Attributes:
        forgetting: κ: a step is (τ0 + t) ** −κ; above 0.5 it converges.
        delay: τ0.
        splash: η0: share of noise in the responsibilities before the first update; 0 for none.
        noise: Splashed: ``random`` rows for every frame, or ``constant`` 1 / K.
        step: ``natural`` gradient, or the mixing of the ``reference`` implementation.
        iterations: For a song, at most.
        tolerance: Relative gain of the songs' bound below which they are left.
        frames_at_once: Of the songs that are inferred together: what memory depends on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    forgetting: Annotated[float, Field(ge=0, le=1)] = 0.6
    delay: NotNegative = 64.0
    splash: Annotated[float, Field(ge=0, lt=1)] = 0.1
    noise: Literal["random", "constant"] = "random"
    step: Step = "natural"
    iterations: Annotated[int, Field(ge=1)] = 100
    tolerance: NotNegative = 1e-5
    frames_at_once: Annotated[int, Field(ge=1)] = 20_000


@dataclass(frozen=True, slots=True)
class Update:
    """What an update saw.

    Attributes:
        frames: Of the minibatch.
        bound: Evidence lower bound of the corpus by this minibatch, per frame, in nats, before the update.
        rate: Of the step.
    """

    frames: int
    bound: float
    rate: float


class OnlineMixture:
    """The mixture while it is learnt.

    Sums and the posterior are in float64, what is done for every frame in the type of the frames.

    Args:
        settings: Of the mixture.
        online: Of learning.
        features: D.
        device: Where the posterior lives.
    """

    def __init__(
        self, settings: MixtureSettings, online: OnlineSettings, features: int, device: torch.device | None = None
    ) -> None:
        self.settings = settings
        self.online = online
        self.prior = prior_of(settings, features, device or torch.device("cpu"))
        nothing = torch.zeros(settings.components, packed_size(features), dtype=torch.float64, device=device)
        self.posterior = self._after(nothing)
        self.updates = 0

    def begin(self, frames: Tensor, nearest: Tensor) -> None:
        """The posterior when every one of some frames belongs to one component, and no song was heard yet.

        Args:
            frames: (n, D) whitened.
            nearest: (n,) component of each.
        """
        hard = torch.nn.functional.one_hot(nearest, self.settings.components).to(frames.dtype)
        self.posterior = self._after((hard.mT @ pack(frames)).double())

    def infer(self, batch: SongBatch, start: SongPosterior | None = None) -> SongPosterior:
        """The posterior of songs, by what is believed of the corpus now."""
        dtype = batch.packed.dtype
        likelihoods = batch.packed @ self.posterior.components.expected_log_likelihood.to(dtype)
        inference = SongInference(
            log_weights=self.posterior.sticks.log_weights.to(dtype),
            alpha=self.posterior.alpha.to(dtype),
            share_alpha=self.settings.share_alpha,
            sticks=self.settings.sticks,
            iterations=self.online.iterations,
            tolerance=self.online.tolerance,
        )
        return inference.infer(likelihoods, batch.there, start)

    def update(self, songs: Sequence[Tensor], corpus_songs: int, generator: torch.Generator) -> Update:
        """Learn from a minibatch of (F, D) whitened songs, out of a corpus of so many songs.

        Args:
            songs: Of the minibatch.
            corpus_songs: J of the corpus; each song of the minibatch stands for J / len(songs) of them.
            generator: Of the noise, on the CPU.
        """
        share = self.online.splash * SPLASH_DECAY / (self.updates + SPLASH_DECAY)
        parts = [self._heard(batch, share, generator) for batch in batches(songs, self.online.frames_at_once)]
        sums = reduce(add, [found for found, _ in parts])
        bound = sum(of_songs for _, of_songs in parts)
        frames = sum(map(len, songs))
        scale = corpus_songs / len(songs)
        own = self.posterior.evidence(self.prior, share_alpha=self.settings.share_alpha).item()
        rate = (self.online.delay + self.updates + 1) ** -self.online.forgetting
        target = learnt(self.posterior, self.prior, sums, scale, share_alpha=self.settings.share_alpha)
        self.posterior = stepped(self.posterior, target, rate, self.online.step)
        self.updates += 1
        return Update(frames, (scale * bound + own) / (scale * max(1, frames)), rate)

    def bound_per_frame(self, songs: Sequence[Tensor]) -> float:
        """Of songs that are not learnt from: their part of the evidence lower bound, per frame, in nats."""
        parts = [self.infer(batch).bound.sum().item() for batch in batches(songs, self.online.frames_at_once)]
        return sum(parts) / max(1, sum(map(len, songs)))

    def _after(self, sums: Tensor) -> CorpusPosterior:
        """The prior, of which the components saw frames of (K, P) sums, and nothing else."""
        components = self.prior.components.natural().observed(sums).distribution()
        return CorpusPosterior(components, self.prior.sticks, self.prior.gamma, self.prior.alpha)

    def _heard(self, batch: SongBatch, share: float, generator: torch.Generator) -> tuple[Sums, float]:
        found = self.infer(batch)
        splash = Splash(share, self._noise(batch, generator)) if share else None
        return sums_of(found, batch.packed, batch.there, splash), found.bound.sum().item()

    def _noise(self, batch: SongBatch, generator: torch.Generator) -> Tensor | float:
        """(J, N, K) new for every frame, as in the reference implementation; or its mean."""
        components = self.settings.components
        if self.online.noise == "constant":
            return 1 / components
        drawn = torch.rand(*batch.there.shape, components, generator=generator, dtype=batch.packed.dtype)
        return (drawn / drawn.sum(-1, keepdim=True)).to(batch.packed.device)


def batches(songs: Sequence[Tensor], frames_at_once: int) -> Iterator[SongBatch]:
    """Songs one after the other, as many together as have room; one that is longer stands alone."""
    waiting: list[Tensor] = []
    for song in songs:
        longest = max(len(song), *map(len, waiting)) if waiting else len(song)
        if waiting and longest * (len(waiting) + 1) > frames_at_once:
            yield song_batch(waiting)
            waiting = []
        waiting.append(song)
    if waiting:
        yield song_batch(waiting)
