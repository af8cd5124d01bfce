"""Principal components, and how whoever waits for a map is told of its progress."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Reached(Protocol):
    """Hears that a stage has come so far, 0 to 1; may raise what ends the work."""

    def __call__(self, stage: str, fraction: float, /) -> None: ...


def main_components(vectors: Floats, most: int) -> Floats:
    """(N, C) the first principal components of (N, D), at most so many; the same for the same vectors.

    C is smaller where there are not so many dimensions or tracks.
    """
    count = min(most, len(vectors), vectors.shape[1])
    centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :count]
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(count)])  # which way an axis points is anybody's
    components: Floats = (centred @ (axes * signs)).astype(np.float32)
    return components
