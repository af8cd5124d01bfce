"""Who is similar to whom in a corpus, in either respect: one origin, or enough annotations in common.

Axis letters: N tracks of a domain, B rows of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import sparse

from models.datasets.annotations import Bools, Indices, alike_in_annotations, annotations, codes, tag_matrix
from models.runs.tracks import CorpusTrack

ORIGIN, ANNOTATIONS = "origin", "annotations"


@dataclass(frozen=True)
class Likeness:
    """Of the tracks of one domain: those of others may be labelled by other words.

    Attributes:
        domain: Its name.
        by: ORIGIN or ANNOTATIONS.
        places: (N,) of its tracks among all.
        origins: (N,) equal numbers for equal origins.
        tags: (N, Z) sparse, 1 where a track has a tag.
        min_jaccard: From which on annotations make tracks similar.
    """

    domain: str
    by: str
    places: Indices
    origins: Indices = field(repr=False)
    tags: sparse.csr_array = field(repr=False)
    min_jaccard: float

    @cached_property
    def known(self) -> Indices:
        """The tracks of which it is known what they are like."""
        if self.by == ORIGIN:
            return np.arange(len(self.places))
        return np.flatnonzero(self.tags.sum(axis=1))

    def alike(self, rows: Indices) -> Bools:
        """(B, N) which tracks are similar to each of some; each is to itself."""
        if self.by == ORIGIN:
            return np.asarray(self.origins[rows, None] == self.origins, np.bool_)
        return alike_in_annotations(self.tags, rows, self.min_jaccard)

    def companions(self, row: int) -> Indices:
        """Those that are similar to a track, without itself."""
        alike = self.alike(np.array([row]))[0]
        alike[row] = False
        return np.flatnonzero(alike)


def likenesses(tracks: Sequence[CorpusTrack], min_jaccard: float) -> Iterator[Likeness]:
    """By domain and respect; also those in which no two tracks are similar."""
    domains = np.array([track.domain for track in tracks])
    for domain in sorted(set(domains.tolist())):
        places = np.flatnonzero(domains == domain)
        own = [each.track for each in tracks if each.domain == domain]
        origins = codes([track.origin for track in own])
        tags = tag_matrix([annotations(track) for track in own])
        for by in (ORIGIN, ANNOTATIONS):
            yield Likeness(domain, by, places, origins, tags, min_jaccard)
