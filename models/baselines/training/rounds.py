"""Which songs are heard together: rounds in which every song comes once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Rounds:
    """The rounds of an epoch.

    Attributes:
        entries: Names of the features of all songs that are learnt from.
        songs: Of a batch; what is left over at the end of a round and fills none is left out of it.
        rounds: Of an epoch.
        seed: Of the order.
    """

    entries: Sequence[str]
    songs: int
    rounds: int
    seed: int

    @property
    def batches(self) -> int:
        """Of an epoch, each of as many songs as is said here, or of all where there are fewer."""
        return self.rounds * self._batches_per_round

    def drawn(self, epoch: int, number: int) -> tuple[list[str], np.random.Generator]:
        """The songs of a batch, and what draws from them."""
        turn, place = divmod(number, self._batches_per_round)
        order = np.random.default_rng((self.seed, epoch, turn)).permutation(len(self.entries))
        rows = order[place * self.songs : (place + 1) * self.songs]
        return [self.entries[row] for row in rows], np.random.default_rng((self.seed, epoch, turn, place))

    @property
    def _batches_per_round(self) -> int:
        return max(1, len(self.entries) // self.songs)
