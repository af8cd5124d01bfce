"""Tags as directions: in a space, a tag points to where the tracks that carry it lie.

An encoder that was taught tags stores them beside its weights: the names in ``EncoderManifest.tags``, the numbers
in three tensors for each space (``TagDirections.tensors`` writes them, ``Artifact.tag_directions`` reads them).

Axis letters: Z tags of a space, d dimensions of the space.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]

UNIT = 1e-3
"""So far a direction's length may be from 1: weights may have been stored in half precision."""


@dataclass(frozen=True, slots=True, eq=False)
class TagDirections:
    """The tags that an encoder hears in one space.

    The confidence that a track with the unit vector v in this space carries tag z is
    sigmoid(scale_z ⟨v, direction_z⟩ + offset_z). The linear classifier sigmoid(⟨v, w⟩ + b) is the same with the
    direction w / ‖w‖, the scale ‖w‖ and the offset b.

    Attributes:
        names: Z of them, each once.
        directions: (Z, d) float32, rows of unit length.
        scale: (Z,) float32, above 0: a direction points to the tracks that carry its tag, never away from them.
        offset: (Z,) float32.

    Raises:
        ValueError: They are not as said here.
    """

    names: tuple[str, ...]
    directions: Floats
    scale: Floats
    offset: Floats

    def __post_init__(self) -> None:
        if faults := "; ".join(self._faults_of_names() or self._faults_of_shapes() or self._faults_of_numbers()):
            raise ValueError(faults)

    def tensors(self, space: str) -> dict[str, Tensor]:
        """What an artifact holds of them, by name of the tensor."""
        arrays = (self.directions, self.scale, self.offset)
        return {
            name: torch.tensor(array, dtype=torch.float32)
            for name, array in zip(tensor_names(space), arrays, strict=True)
        }

    def _faults_of_names(self) -> list[str]:
        if not all(name.strip() for name in self.names):
            return ["a name is blank"]
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        return [f"the name {name!r} stands there twice" for name in twice]

    def _faults_of_shapes(self) -> list[str]:
        tags = len(self.names)
        shapes = [array.shape for array in (self.directions, self.scale, self.offset)]
        dimension = shapes[0][-1] if shapes[0] else 0
        expected = [(tags, dimension), (tags,), (tags,)]
        return [] if shapes == expected else [f"{tags} names go with arrays of the shapes {expected}, not {shapes}"]

    def _faults_of_numbers(self) -> Iterator[str]:
        if not all(np.isfinite(array).all() for array in (self.directions, self.scale, self.offset)):
            yield "some numbers are not finite"
            return
        lengths = np.linalg.norm(self.directions.astype(np.float64), axis=1)
        yield from self._named(np.abs(lengths - 1) > UNIT, "has a direction that is not of unit length")
        yield from self._named(self.scale <= 0, "has a scale that is not above 0")

    def _named(self, wrong: NDArray[np.bool_], fault: str) -> Iterator[str]:
        places = np.flatnonzero(wrong)
        if len(places):
            others = f" (and {len(places) - 1} others)" if len(places) > 1 else ""
            yield f"{self.names[places[0]]!r}{others} {fault}"


def tensor_names(space: str) -> tuple[str, str, str]:
    """Names of the tensors with directions, scale and offset."""
    return f"tags.{space}.directions", f"tags.{space}.scale", f"tags.{space}.offset"
