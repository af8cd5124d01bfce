"""The protocol of everything that is compared: encoders, peers and shortcuts.

A system works in two steps, so that the costly one is done once per track and kept on disk: ``measure`` looks at
one track by itself, ``embed`` turns what was measured of all tracks into vectors and may learn from those that are
for training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.datasets.track import LabelledTrack
from models.evaluate.embedded import Embedded, Floats

CLIP_RATE_HZ = 22_050

Measured = Mapping[str, NDArray[np.generic]]
"""Arrays by name: what a system keeps of one track."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A track as a system gets to hear it.

    Attributes:
        track: Whose it is; only a shortcut baseline may look at its file.
        waveform: (T,) float32 mono at CLIP_RATE_HZ.
    """

    track: LabelledTrack
    waveform: Floats


class System(Protocol):
    """One way to tell how alike tracks are."""

    @property
    def name(self) -> str:
        """As tables print it and the command line takes it."""

    @property
    def identity(self) -> str:
        """Changes whenever ``measure`` would give something else: a part of the cache's key."""

    @property
    def learns(self) -> bool:
        """Whether ``embed`` looks at tracks for training: then they have to be heard whatever is asked about."""

    def measure(self, clip: Clip) -> Measured:
        """What is needed of one track. Thread-safe.

        Raises:
            ModelError: The clip cannot be used, with the reason; the track is left out of the evaluation.
        """

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:
        """(N,) measured tracks → their vectors.

        Args:
            measured: In the dataset's order.
            training: (N,) which of them may be learnt from (scales, codebooks); where none may, all are.
        """
