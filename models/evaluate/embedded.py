"""What a system made of a dataset: one vector per track, cut into spaces, with the similarity it is meant for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.tag_directions import TagDirections

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """The vectors of one system for N tracks, in the dataset's order.

    Attributes:
        system: Its name, as tables print it.
        vectors: (N, D) float32, finite. Under ``cosine`` every space is of unit length, or zero where it does not
            apply, so that the complete space weighs all spaces alike.
        spaces: Columns by space; empty when the system has but the complete space.
        metric: ``cosine``: similarity is the mean cosine over spaces, −1 to 1; ``euclidean``: the negative of the
            distance.
        tags: Directions of the tags that an encoder knows, by space.
    """

    system: str
    vectors: Floats
    spaces: Mapping[str, slice] = field(default_factory=dict)
    metric: Literal["cosine", "euclidean"] = "cosine"
    tags: Mapping[str, TagDirections] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.vectors)

    def features(self, space: str | None = None) -> Floats:
        """(N, d) vectors of one space, or of the complete one."""
        return self.vectors if space is None else self.vectors[:, self.spaces[space]]

    def similarity(self, rows: Indices, space: str | None = None) -> Doubles:
        """(B, N) similarity of some tracks to all; rises with closeness.

        Args:
            rows: (B,) numbers of tracks. Take a few hundred at a time.
            space: ``None`` for the complete space.
        """
        features = self.features(space).astype(np.float64)
        if self.metric == "euclidean":
            squares = (features**2).sum(1)
            squared = squares[rows, None] - 2 * features[rows] @ features.T + squares
            distance: Doubles = np.sqrt(squared.clip(0))
            return -distance
        parts = max(1, len(self.spaces)) if space is None else 1
        similarity: Doubles = features[rows] @ features.T / parts
        return similarity
