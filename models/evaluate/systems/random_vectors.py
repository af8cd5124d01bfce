"""Vectors that know nothing of the music: what chance alone achieves."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from models.evaluate.embedded import Embedded
from models.evaluate.system import Clip, Measured

DIMENSION = 64


class RandomSystem:
    """A random direction for each track, by its id.

    Args:
        seed: Others give other vectors.
    """

    name = "random-vectors"
    learns = False

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.identity = f"random vectors {seed}"

    def measure(self, clip: Clip) -> Measured:
        digest = sha256(f"{self._seed} {clip.track.id}".encode()).digest()
        vector = np.random.default_rng(int.from_bytes(digest[:8], "big")).standard_normal(DIMENSION)
        return {"vector": (vector / np.linalg.norm(vector)).astype(np.float32)}

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:  # noqa: ARG002
        return Embedded(self.name, np.stack([track["vector"] for track in measured]).astype(np.float32))
