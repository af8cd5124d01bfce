"""Triplets (anchor, positive, negative) of a dataset, drawn from its labels or judged by listeners."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.datasets.track import Dataset
from models.datasets.triplet import JudgedTriplet
from models.errors import EvaluationImpossible
from models.evaluate.embedded import Indices
from models.evaluate.relevance import Relevance
from models.evaluate.similarities import blocks
from models.metrics.ordering import Bools

JUDGED = "judged"


@dataclass(frozen=True, slots=True, eq=False)
class Triplets:
    """T triplets of one task: (T,) numbers of tracks each."""

    task: str
    anchors: Indices
    positives: Indices
    negatives: Indices

    def __len__(self) -> int:
        return len(self.anchors)


def sample(found: Relevance, count: int, seed: int) -> Triplets:
    """Triplets whose positive is alike to the anchor and whose negative is not.

    All there are, where these are not more than ``count``; else each anchor has the same number, ``count`` divided
    by the anchors, all different. None where no track has both a similar and a dissimilar one.
    """
    generator = np.random.default_rng(seed)
    sizes = np.concatenate([_size(*_kinds(found, rows)) for rows in blocks(np.arange(len(found)))])
    anchors = np.flatnonzero(sizes)
    if not len(anchors):
        return Triplets(found.by, anchors, anchors, anchors)
    quota = int(sizes.sum()) if sizes.sum() <= count else max(1, count // len(anchors))
    if len(anchors) > count:
        anchors = np.sort(generator.choice(anchors, count, replace=False))
    parts = [part for rows in blocks(anchors) for part in _triplets(found, rows, quota, generator)]
    return Triplets(found.by, *(np.concatenate(column) for column in zip(*parts, strict=True)))


def judged_triplets(dataset: Dataset, judged: Sequence[JudgedTriplet]) -> Triplets:
    """Those whose three tracks are in the dataset; excerpts stand for their tracks, as in paper 001.

    Raises:
        EvaluationImpossible: There is none.
    """
    numbers = {track.id: number for number, track in enumerate(dataset.tracks)}
    names = [(one.anchor.track, one.positive.track, one.negative.track) for one in judged]
    there = [[numbers[name] for name in triplet] for triplet in names if numbers.keys() >= set(triplet)]
    if not there:
        raise EvaluationImpossible(f"none of {len(judged)} judged triplets has its three tracks in {dataset.name}")
    return Triplets(JUDGED, *np.array(there, dtype=np.intp).T)


def together(task: str, parts: Sequence[Triplets]) -> Triplets:
    """All triplets of some tasks as one task."""
    columns = [(part.anchors, part.positives, part.negatives) for part in parts]
    return Triplets(task, *(np.concatenate(column) for column in zip(*columns, strict=True)))


def _kinds(found: Relevance, rows: Indices) -> tuple[Bools, Bools]:
    """(B, N) which are similar, (B, N) which are dissimilar."""
    similar, candidates = found.relevant(rows)
    return similar, candidates & ~similar


def _size(similar: Bools, dissimilar: Bools) -> Indices:
    """(B,) how many triplets each anchor has."""
    size: Indices = similar.sum(axis=1) * dissimilar.sum(axis=1)
    return size


def _triplets(
    found: Relevance, rows: Indices, quota: int, generator: np.random.Generator
) -> Iterator[tuple[Indices, Indices, Indices]]:
    """For each of some anchors (t,) anchors, positives and negatives, at most ``quota``."""
    for anchor, similar, dissimilar in zip(rows, *_kinds(found, rows), strict=True):
        positives, negatives = np.flatnonzero(similar), np.flatnonzero(dissimilar)
        size = len(positives) * len(negatives)
        chosen = np.arange(size) if size <= quota else generator.choice(size, quota, replace=False)
        positive, negative = np.divmod(chosen, len(negatives))
        yield np.full(len(chosen), anchor), positives[positive], negatives[negative]
