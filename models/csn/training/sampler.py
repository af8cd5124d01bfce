"""Which tracks make a batch: conditional sampling, so that every dimension finds tracks that are alike in it."""

import numpy as np
from numpy.typing import NDArray

from models.csn.training.config import DomainSettings, TrainingConfig
from models.csn.training.corpus import NO_KEY, Corpus, Indices
from models.datasets.tempo import alike_in_tempo

ATTEMPTS = 20

Bools = NDArray[np.bool_]


class Sampler:
    """Draws batches.

    A batch takes the same share from each domain, whatever their sizes, so that none drowns the others. Half of its
    tracks come in pairs: a dimension is drawn, a tag of it (or a track's tempo or tonic), and two tracks of
    different origins that have it (Veit et al.'s conditional triplets, drawn by tag so that rare ones are heard).
    The other half is drawn at random.

    Args:
        corpus: N tracks.
        config: Of the run.
    """

    def __init__(self, corpus: Corpus, config: TrainingConfig) -> None:
        self._corpus = corpus
        self._rows = [np.flatnonzero(corpus.domains == number) for number in range(len(corpus.domain_names))]
        shares = [config.domains.get(name, DomainSettings()).share for name in corpus.domain_names]
        there = [share * bool(len(rows)) for share, rows in zip(shares, self._rows, strict=True)]
        self._counts = _parts(np.array(there), config.batch.tracks)
        self._dimensions = [self._labelled(rows, config.network.spaces) for rows in self._rows]

    def draw(self, generator: np.random.Generator) -> Indices:
        """(B,) rows of the corpus."""
        parts = []
        for count, rows, dimensions in zip(self._counts, self._rows, self._dimensions, strict=True):
            pairs = [self._pair(generator, rows, dimensions) for _ in range(count // 4)] if dimensions else []
            drawn = np.concatenate([np.zeros(0, np.int64), *pairs])
            parts += [drawn, generator.choice(rows, count - len(drawn), replace=len(rows) < count)]
        return np.concatenate(parts)

    def _labelled(self, rows: Indices, spaces: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(space for space in spaces if self._holders(rows, space).any())

    def _holders(self, rows: Indices, dimension: str) -> Bools:
        if dimension == "tempo":
            known = np.isfinite(self._corpus.tempi_bpm)
        elif dimension == "key":
            known = np.asarray(self._corpus.tonics != NO_KEY)
        else:
            known = np.asarray(self._corpus.tags[dimension].any(axis=1))
        return np.asarray(known[rows], dtype=np.bool_)

    def _pair(self, generator: np.random.Generator, rows: Indices, dimensions: tuple[str, ...]) -> Indices:
        """(2,) tracks that are alike in a dimension; of different origins, if such are found soon."""
        dimension = dimensions[generator.integers(len(dimensions))]
        alike = self._alike(generator, rows, dimension)
        pair = generator.choice(alike, 2)
        for _ in range(ATTEMPTS):
            if self._corpus.origins[pair[0]] != self._corpus.origins[pair[1]]:
                break
            pair = generator.choice(alike, 2)
        return pair

    def _alike(self, generator: np.random.Generator, rows: Indices, dimension: str) -> Indices:
        """Some tracks that share a tag, a tonic or the tempo of one of them."""
        labelled = rows[self._holders(rows, dimension)]
        one = generator.choice(labelled)
        if dimension == "tempo":
            alike = alike_in_tempo(self._corpus.tempi_bpm, self._corpus.tempi_bpm[one])
        elif dimension == "key":
            alike = np.asarray(self._corpus.tonics == self._corpus.tonics[one])
        else:
            tags = self._corpus.tags[dimension]
            alike = tags[:, generator.choice(np.flatnonzero(tags[labelled].any(axis=0)))]
        return labelled[alike[labelled]]


def _parts(shares: NDArray[np.float64], total: int) -> list[int]:
    """Whole numbers in these proportions that sum to ``total``."""
    ends = np.round(np.cumsum(shares) / shares.sum() * total).astype(int)
    return [int(part) for part in np.diff(ends, prepend=0)]
