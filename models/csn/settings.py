"""What a CSN is made of: everything that is needed to build the network and its inputs anew."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.datasets.track import DIMENSIONS

MAP_SIZE = 16
"""Rows and columns of the map on which branches are joined (paper 001)."""

Count = Annotated[int, Field(ge=1)]


class NetworkSettings(BaseModel):
    """Of the network; the defaults are those of paper 001's best model.

    Attributes:
        inputs: ``multi``: mel spectrogram, tempogram and CENS, each with its own branch; ``single``: mel alone.
        spaces: Sub-spaces, in their order within an embedding.
        space_dimension: Length of each of them.
        width: Multiplies the filters of every convolution (1: 64 in the stem, 256 out of a block).
        branch_blocks: Inception blocks before the branches are joined, each of which halves the map.
        joint_blocks: Blocks after that; four reduce the map of 16×16 to one place.
        columns: Columns of tempogram and CENS in a segment.
        context_frames: Frames of the track that these columns cover, around the segment; with ``columns`` frames
            they are the segment's own, as in the paper.
        activation: What follows the fully connected layer: ``layernorm`` without parameters (paper 001) or
            ``relu`` (paper 003).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: Literal["multi", "single"] = "multi"
    spaces: tuple[str, ...] = DIMENSIONS
    space_dimension: Count = 64
    width: Annotated[float, Field(gt=0, le=4)] = 1.0
    branch_blocks: Annotated[int, Field(ge=1, le=2)] = 2
    joint_blocks: Annotated[int, Field(ge=1, le=4)] = 4
    columns: Annotated[int, Field(ge=MAP_SIZE)] = 129
    context_frames: Count = 129
    activation: Literal["layernorm", "relu"] = "layernorm"

    @model_validator(mode="after")
    def _check(self) -> Self:
        unknown = [space for space in self.spaces if space not in DIMENSIONS]
        if unknown or len(set(self.spaces)) < len(self.spaces) or not self.spaces:
            raise ValueError(f"spaces: expected different ones of {', '.join(DIMENSIONS)}")
        pooled, left_over = divmod(self.columns, self.map_size)
        if left_over > min(1, pooled - 1):
            raise ValueError(
                f"columns: with {self.branch_blocks} branch_blocks a multiple of {self.map_size} is needed, or one "
                f"more from {2 * self.map_size} on"
            )
        if self.context_frames < self.columns:
            raise ValueError(f"context_frames: {self.columns} columns need at least as many frames")
        return self

    @property
    def map_size(self) -> int:
        """Rows and columns behind the stem of a branch."""
        return int(MAP_SIZE * 2**self.branch_blocks)

    @property
    def dimension(self) -> int:
        """E, the length of an embedding."""
        return self.space_dimension * len(self.spaces)

    def slices(self) -> dict[str, slice]:
        """The mask of each sub-space: equal, disjoint and fixed, as learned ones were no better (paper 001)."""
        size = self.space_dimension
        return {space: slice(place * size, (place + 1) * size) for place, space in enumerate(self.spaces)}
