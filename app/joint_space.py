"""The spaces of one or several encoders side by side: what one query asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from app.domain import EncoderInfo, Space, side_by_side


@dataclass(frozen=True)
class JointSpace:
    """A vector of it is the vectors of its encoders, one after the other.

    Attributes:
        encoders: At least one, each of another name.
    """

    encoders: tuple[EncoderInfo, ...]

    @cached_property
    def spaces(self) -> tuple[Space, ...]:
        """All of them in order, by the names that ``name`` gives."""
        return tuple(
            Space(self.name(encoder.name, space.name), space.dimension, space.description)
            for encoder in self.encoders
            for space in encoder.spaces
        )

    @cached_property
    def dimension(self) -> int:
        """D, the length of a joint vector."""
        return sum(encoder.dimension for encoder in self.encoders)

    def name(self, encoder: str, space: str) -> str:
        """What a space is called in answers: plainly with one encoder, ``encoder.space`` with several."""
        return space if len(self.encoders) == 1 else f"{encoder}.{space}"

    @cached_property
    def places(self) -> Mapping[str, slice]:
        """Where the vector of each encoder stands, by its name, in order."""
        return side_by_side((encoder.name, encoder.dimension) for encoder in self.encoders)
