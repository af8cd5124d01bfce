"""Which tracks of a batch are alike in a dimension, and which are known not to be (paper 001, section 3.3)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.csn.training.corpus import NO_KEY, Bools, Corpus, Indices
from models.datasets.tempo import alike_in_tempo


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """Of B tracks in one dimension: (B, B) which are alike, and which are not; neither where that is not known."""

    alike: Bools
    unlike: Bools

    @property
    def anchors(self) -> Indices:
        """Tracks that triplets can begin with: alike to one and unlike another."""
        return np.flatnonzero(self.alike.any(1) & self.unlike.any(1))


def likeness(corpus: Corpus, dimension: str) -> Likeness:
    """Likeness of the tracks of a batch.

    Alike are tracks with a tag in common, of one tempo (octaves count as one), or of one tonic, which is the same
    or the parallel key. Tracks of two domains are compared by tempo and key alone, as tags do not mean the same in
    both. Tracks of one origin are neither: what a piece or an album sounds like must not stand for a dimension.
    """
    if dimension == "tempo":
        alike, comparable = _tempo(corpus.tempi_bpm)
    elif dimension == "key":
        tonics = corpus.tonics
        alike, comparable = tonics[:, None] == tonics, _both(np.asarray(tonics != NO_KEY))
    else:
        tags = corpus.tags[dimension].astype(np.float32)
        domains = corpus.domains
        alike = tags @ tags.T > 0
        comparable = _both(np.asarray(corpus.known[dimension].any(axis=1), dtype=np.bool_)) & (
            domains[:, None] == domains
        )
    origins = corpus.origins
    comparable &= origins[:, None] != origins
    return Likeness(alike & comparable, ~alike & comparable)


def _tempo(tempi_bpm: NDArray[np.float64]) -> tuple[Bools, Bools]:
    known = np.isfinite(tempi_bpm)
    there = np.where(known, tempi_bpm, 1.0)
    return alike_in_tempo(there[:, None], there), _both(known)


def _both(known: Bools) -> Bools:
    both: Bools = known[:, None] & known
    return both
