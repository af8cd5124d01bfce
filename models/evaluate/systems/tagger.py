"""A tagger as a system: the mean of its last hidden layer (paper 002), and the tags that it hears."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.evaluate.embedded import Embedded
from models.evaluate.system import CLIP_RATE_HZ, Clip, Measured
from models.evaluate.systems.standardised import standardised
from models.taggers.tagger import read_tagger, resampled


class TaggerSystem:
    """Standardises its units by the training tracks; the network comes trained.

    Args:
        weights: Such as ``msd_fcn.pth``.

    Raises:
        ArtifactInvalid: The weights are missing, damaged or of another network.
    """

    learns = True

    def __init__(self, weights: Path) -> None:
        self._tagger = read_tagger(weights)
        self.name = f"tagger:{self._tagger.name}"
        self.identity = f"tagger {self._tagger.name} {self._tagger.digest}"

    @property
    def tags(self) -> tuple[str, ...]:
        """(50,) names of the columns of what is measured as ``probabilities``."""
        return self._tagger.tags

    def measure(self, clip: Clip) -> Measured:
        scores = self._tagger.score(resampled(clip.waveform, CLIP_RATE_HZ))
        return {"hidden": scores.embedding, "probabilities": scores.mean}

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:
        rows = np.stack([track["hidden"] for track in measured]).astype(np.float64)
        return Embedded(self.name, standardised(rows, training))
