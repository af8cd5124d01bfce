"""Which tracks make a batch: conditional sampling, so that every dimension finds tracks that are alike in it."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from models.csn.training.config import DomainSettings, TrainingConfig
from models.csn.training.corpus import Corpus, Indices
from models.datasets.tempo import alike_in_tempo

ATTEMPTS = 20


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
        self._rows = corpus.rows_by_domain()
        shares = [config.domains.get(name, DomainSettings()).share for name in corpus.domain_names]
        there = [share * bool(len(rows)) for share, rows in zip(shares, self._rows, strict=True)]
        self._counts = _parts(np.array(there), config.batch.tracks)
        self._labelled = [self._by_dimension(rows, config.network.spaces) for rows in self._rows]

    def draw(self, generator: np.random.Generator) -> Indices:
        """(B,) rows of the corpus."""
        parts = []
        for count, rows, labelled in zip(self._counts, self._rows, self._labelled, strict=True):
            pairs = [self._pair(generator, labelled) for _ in range(count // 4)] if labelled else []
            drawn = np.concatenate([np.zeros(0, np.int64), *pairs])
            parts += [drawn, generator.choice(rows, count - len(drawn), replace=len(rows) < count)]
        return np.concatenate(parts)

    def _by_dimension(self, rows: Indices, spaces: tuple[str, ...]) -> dict[str, Indices]:
        """Of some rows those that are labelled, for each dimension in which any is."""
        labelled = {space: rows[self._corpus.labelled(space)[rows]] for space in spaces}
        return {space: found for space, found in labelled.items() if len(found)}

    def _pair(self, generator: np.random.Generator, labelled: Mapping[str, Indices]) -> Indices:
        """(2,) tracks that are alike in a dimension; of different origins, if such are found soon."""
        dimension = tuple(labelled)[generator.integers(len(labelled))]
        alike = self._alike(generator, labelled[dimension], dimension)
        pair = generator.choice(alike, 2)
        for _ in range(ATTEMPTS):
            if self._corpus.origins[pair[0]] != self._corpus.origins[pair[1]]:
                break
            pair = generator.choice(alike, 2)
        return pair

    def _alike(self, generator: np.random.Generator, labelled: Indices, dimension: str) -> Indices:
        """Some of the labelled tracks: those that share a tag, a tonic or the tempo of one of them."""
        one = generator.choice(labelled)
        if dimension == "tempo":
            return labelled[alike_in_tempo(self._corpus.tempi_bpm[labelled], self._corpus.tempi_bpm[one])]
        if dimension == "key":
            return np.asarray(labelled[self._corpus.tonics[labelled] == self._corpus.tonics[one]])
        tags = self._corpus.tags[dimension][labelled]
        return labelled[tags[:, generator.choice(np.flatnonzero(tags.any(axis=0)))]]


def _parts(shares: NDArray[np.float64], total: int) -> list[int]:
    """Whole numbers in these proportions that sum to ``total``."""
    ends = np.round(np.cumsum(shares) / shares.sum() * total).astype(int)
    return [int(part) for part in np.diff(ends, prepend=0)]
