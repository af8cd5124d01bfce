"""Which tracks are alike in one respect: the ground truth of every question about similarity.

Alike are tracks of one album, artist, source or attribute; with a tag of the dimension in common; of one tempo or
key as paper 001 (section 3.3) has it; or with enough of all their annotations in common (paper 004, section 5.1.1).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from models.datasets.annotations import (
    MIN_JACCARD,
    alike_in_annotations,
    annotations,
    codes,
    shared_tags,
    tag_matrix,
)
from models.datasets.tempo import alike_in_tempo
from models.datasets.track import TAG_DIMENSIONS, Dataset, LabelledTrack
from models.errors import EvaluationImpossible
from models.evaluate.similarities import blocks

FIELDS = ("album", "artist", "source")
TAGS = "tags"

Bools = NDArray[np.bool_]
Indices = NDArray[np.intp]
Label = str | float | frozenset[str] | None


@dataclass(frozen=True, slots=True, eq=False)
class Relevance:
    """Similarity of N tracks in one respect, taken a few hundred rows at a time.

    Attributes:
        by: The respect.
        labelled: (N,) where it is known.
        tags: (N, Z) sparse, 1 where a track has a tag; ``None`` where the respect is not a set of tags.
    """

    by: str
    labelled: Bools
    tags: sparse.csr_array | None
    _alike: Callable[[Indices], Bools] = field(repr=False)
    _kinships: tuple[Indices, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.labelled)

    def rows(self, indices: Indices) -> Bools:
        """(B, N) which tracks are alike to each of some; nothing is alike to an unlabelled one."""
        return self._alike(indices) & self.labelled & self.labelled[indices, None]

    def candidates(self, indices: Indices) -> Bools:
        """(B, N) what may be ranked for each of some: neither unlabelled, nor itself or of its kin."""
        candidates = self.labelled & self.labelled[indices, None]
        for kin in self._kinships:
            candidates &= kin[indices, None] != kin
        return candidates

    def relevant(self, indices: Indices) -> tuple[Bools, Bools]:
        """(B, N) the candidates that are alike, and (B, N) all candidates."""
        candidates = self.candidates(indices)
        return self._alike(indices) & candidates, candidates


def relevance(
    dataset: Dataset, by: str, *, across_origins: bool = False, min_jaccard: float = MIN_JACCARD
) -> Relevance:
    """Who is alike by what the dataset says.

    Args:
        dataset: N tracks.
        by: ``album``, ``artist`` or ``source``: the same; ``genre``, ``mood``, ``instrument`` or ``era``: at least
            one tag in common; ``tempo``: see ``models.datasets.tempo``; ``key``: the same or the parallel key,
            which is the same tonic; ``tags``: all annotations, of dimensions and free, with a Jaccard index of at
            least ``min_jaccard``; any other name: the same attribute.
        across_origins: Leave tracks of the query's own origin out of the candidates, so that what an album sounds
            like cannot stand for its genre.
        min_jaccard: 0 to 1, for ``tags``.

    Raises:
        EvaluationImpossible: No two tracks that can be compared are alike; it says what the dataset has labels of.
    """
    labels = [label_of(track, by) for track in dataset.tracks]
    kinships = (families(dataset.tracks), origins(dataset)) if across_origins else (families(dataset.tracks),)
    labelled = np.array([bool(label) for label in labels], dtype=np.bool_)
    sets = [label if isinstance(label, frozenset) else frozenset() for label in labels]
    tags = tag_matrix(sets) if by in {*TAG_DIMENSIONS, TAGS} else None
    found = Relevance(by, labelled, tags, _rule(by, labels, tags, min_jaccard), kinships)
    if not any(found.relevant(rows)[0].any() for rows in blocks(np.flatnonzero(labelled))):
        there = ", ".join(f"{name} {count}" for name, count in labels_present(dataset).items()) or "none"
        beyond = " across origins" if across_origins else ""
        raise EvaluationImpossible(
            f"{by}: {labelled.sum()} of {len(dataset)} tracks are labelled, and no two of them are alike{beyond}. "
            f"Labelled tracks in {dataset.name}: {there}."
        )
    return found


def label_of(track: LabelledTrack, by: str) -> Label:
    """What is known of a track in one respect; something empty where nothing is."""
    if by in TAG_DIMENSIONS:
        return track.tags.get(by, frozenset())
    if by == TAGS:
        return annotations(track)
    if by == "tempo":
        return track.tempo_bpm
    if by == "key":
        return (track.key or "").partition(" ")[0]
    return str(getattr(track, by)) if by in FIELDS else track.attributes.get(by, "")


def labels_present(dataset: Dataset) -> dict[str, int]:
    """How many tracks are labelled, by respect, where any are."""
    attributes = sorted({name for track in dataset.tracks for name in track.attributes})
    respects = dict.fromkeys((*FIELDS, *TAG_DIMENSIONS, "tempo", "key", TAGS, *attributes))
    counts = {by: sum(bool(label_of(track, by)) for track in dataset.tracks) for by in respects}
    return {by: count for by, count in counts.items() if count}


def origins(dataset: Dataset) -> Indices:
    """(N,) number of each track's origin."""
    return codes([track.origin for track in dataset.tracks])


def families(tracks: Sequence[LabelledTrack]) -> Indices:
    """(N,) number of each track's family: near duplicates, theirs and so on, whichever of two names the other.

    A duplicate that is not in the dataset still joins those that name it.
    """
    numbers = {track.id: number for number, track in enumerate(tracks)}
    pairs = [(track.id, other) for track in tracks for other in track.duplicates]
    links = np.array([[numbers.setdefault(name, len(numbers)) for name in pair] for pair in pairs], dtype=np.intp)
    first, second = links.reshape(-1, 2).T
    graph = sparse.coo_array((np.ones(len(first)), (first, second)), shape=(len(numbers), len(numbers)))
    _, family = sparse.csgraph.connected_components(graph, directed=False)
    kin: Indices = family[: len(tracks)].astype(np.intp)
    return kin


def _rule(
    by: str, labels: Sequence[Label], tags: sparse.csr_array | None, min_jaccard: float
) -> Callable[[Indices], Bools]:
    if by == "tempo":
        tempi = np.array([label or 1.0 for label in labels], dtype=np.float64)
        return lambda rows: alike_in_tempo(tempi[rows, None], tempi)
    if tags is None:
        classes = codes(labels)
        return lambda rows: classes[rows, None] == classes
    if by != TAGS:
        return lambda rows: shared_tags(tags, rows) > 0
    return lambda rows: alike_in_annotations(tags, rows, min_jaccard)
