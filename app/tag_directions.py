"""Tags as directions: in a space, a tag points to where the tracks that carry it lie. Arithmetic only, no IO.

Axis letters: Z tags of a space, d dimensions of the space.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TagDirections:
    """The tags that an encoder hears in one space, as its worker announced them.

    Attributes:
        names: Z of them, each once.
        directions: (Z, d) rows of unit length.
        scale: (Z,) above 0.
        offset: (Z,).
    """

    names: tuple[str, ...]
    directions: Floats
    scale: Floats
    offset: Floats

    def confidences(self, vector: Floats) -> Doubles:
        """Return (Z,) how sure it is, 0 to 1, that a track with the unit vector v in this space carries each tag.

        sigmoid(scale_z ⟨v, direction_z⟩ + offset_z)
        """
        logits = self.scale * np.multiply(self.directions, vector, dtype=np.float64).sum(axis=1) + self.offset
        confidences: Doubles = np.exp(-np.logaddexp(0.0, -logits))
        return confidences

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TagDirections):
            return NotImplemented
        return self.names == other.names and all(
            np.array_equal(mine, theirs) for mine, theirs in zip(self._arrays(), other._arrays(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((self.names, *(array.tobytes() for array in self._arrays())))

    def _arrays(self) -> tuple[Floats, ...]:
        return self.directions, self.scale, self.offset
