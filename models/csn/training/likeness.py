"""Which tracks of a batch are alike in a dimension, and which are known not to be (paper 001, section 3.3)."""

from dataclasses import dataclass

import numpy as np

from models.csn.training.corpus import Bools, Corpus, Indices
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
        there = np.where(corpus.labelled(dimension), corpus.tempi_bpm, 1.0)
        alike = alike_in_tempo(there[:, None], there)
    elif dimension == "key":
        alike = corpus.tonics[:, None] == corpus.tonics
    else:
        tags = corpus.tags[dimension].astype(np.float32)
        alike = tags @ tags.T > 0
    labelled, origins = corpus.labelled(dimension), corpus.origins
    comparable = labelled[:, None] & labelled & (origins[:, None] != origins)
    if dimension in corpus.tags:
        comparable &= corpus.domains[:, None] == corpus.domains
    return Likeness(alike & comparable, ~alike & comparable)
