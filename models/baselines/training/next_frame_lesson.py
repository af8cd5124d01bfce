"""What the encoder ``lstm`` learns: what the next frame of a chromagram will be (paper 004, 4.2)."""

from collections.abc import Mapping
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
import torch
from torch import Tensor

from models.baselines.lstm_inputs import SECTION_FRAMES, from_sections, to_sections
from models.baselines.lstm_network import LstmNetwork
from models.baselines.training.config import LstmConfig
from models.baselines.training.crop_cache import ChromaCache
from models.baselines.training.rounds import Rounds
from models.runs.band_statistics import band_statistics
from models.runs.device import autocast
from models.runs.epoch_record import LOSS
from models.runs.tracks import Tracks

HELD_OUT = f"{LOSS}held out"
REPEATED = f"{LOSS}if the last frame is repeated"
MEAN = f"{LOSS}if it is the mean frame"


class NextFrameLesson:
    """A ``Lesson`` on a random section of each song of a batch.

    It is judged beside two guesses that know no music: the frame before, and the mean of all frames that are learnt
    from. A network that is no better than these has learnt nothing.

    Args:
        config: Of the run.
        tracks: To learn from and to judge by.
        cache: Where their chromagrams are.
        device: To learn on.
    """

    panels: ClassVar[Mapping[str, str]] = {LOSS: "absolute difference to the next frame, sum over pitch classes"}

    def __init__(self, config: LstmConfig, tracks: Tracks, cache: ChromaCache, device: torch.device) -> None:
        torch.manual_seed(config.seed)
        self._config = config
        self._cache = cache
        self._device = device
        train = [track.entry for track in tracks.train]
        self._validation = [track.entry for track in tracks.validation]
        self._rounds = Rounds(train, config.songs, config.rounds, config.seed)
        self.identity = config.identity("lstm", *train, "", *self._validation)
        self.network = LstmNetwork(config.encoder).to(device)
        self.modules = self.network

    @property
    def batches_per_epoch(self) -> int:
        return self._rounds.batches

    @property
    def less_memory(self) -> str:
        songs = self._config.songs
        return (
            f"Memory is too small for a section of {songs} songs in a batch. Take less, such as "
            f"--set songs={max(2, songs // 2)}, in another folder."
        )

    def begin(self) -> None:
        pass

    def batch(self, epoch: int, number: int) -> Tensor:
        """(B, L, 13) a section of each song, from anywhere in it."""
        entries, generator = self._rounds.drawn(epoch, number)
        return torch.stack([random_section(self._cache.read(entry), generator) for entry in entries])

    def loss(self, batch: Tensor) -> Tensor:
        frames, counts = from_sections(batch.to(self._device))
        return next_frame_errors(self._guessed(frames), frames, counts).mean()

    def judge(self) -> Mapping[str, float]:
        """Means over all frames of the validation songs that have one before them in their section."""
        errors = torch.cat([self._errors(self._cache.read(entry)) for entry in self._validation], 1)
        return dict(zip((HELD_OUT, REPEATED, MEAN), errors.mean(1).tolist(), strict=True))

    def error(self, figures: Mapping[str, float]) -> float:
        return figures[HELD_OUT]

    @cached_property
    def _mean_frame(self) -> Tensor:
        """(C,) of all songs that are learnt from."""
        mean, _ = band_statistics(self._cache.read(entry) for entry in self._rounds.entries)
        return mean.float().to(self._device)

    def _guessed(self, frames: Tensor) -> Tensor:
        with autocast(self._config.precision, self._device):
            guesses = cast("Tensor", self.network(frames))
        return guesses.float()

    def _errors(self, track: Tensor) -> Tensor:
        """(F, C) chromagram of a song → (3, N) errors of the network and of both guesses."""
        frames, counts = from_sections(to_sections(track.float()).to(self._device))
        guesses = (self._guessed(frames), frames, self._mean_frame.expand_as(frames))
        return torch.stack([next_frame_errors(guess, frames, counts) for guess in guesses])


def random_section(chroma: Tensor, generator: np.random.Generator) -> Tensor:
    """(F, C) → (L, C + 1) a section from anywhere in it, or all of it where it is shorter."""
    start = int(generator.integers(max(0, len(chroma) - SECTION_FRAMES) + 1))
    return to_sections(chroma[start : start + SECTION_FRAMES].float())[0]


def next_frame_errors(guesses: Tensor, frames: Tensor, counts: Tensor) -> Tensor:
    """The absolute differences of guesses to what came, each summed over the pitch classes.

    Args:
        guesses: (B, L, C) after each frame.
        frames: (B, L, C).
        counts: (B,) those of them that count, from the first on.

    Returns:
        (N,) of all frames that count but the first of each section.
    """
    errors = (guesses[:, :-1] - frames[:, 1:]).abs().sum(2)
    return errors[torch.arange(1, frames.shape[1], device=frames.device) < counts[:, None]]
