"""The CSN: inputs of a segment → one embedding, whose parts are the sub-spaces."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from models.csn.backbone import branch, trunk
from models.csn.inputs import CHROMA_SIZE, MEL_BANDS, SEGMENT_FRAMES, TEMPOGRAM_LAGS
from models.csn.settings import MAP_SIZE, NetworkSettings

Inputs = Mapping[str, Tensor]
"""By name of the input, (B, rows, columns): ``mel``, and with several inputs ``tempogram`` and ``cens``."""


class CsnNetwork(nn.Module):
    """Backbone and fully connected layer (papers 001 and 003, figure 1 of each).

    Every branch ends in a map of 16×16; the maps are joined on their channels (paper 001, section 3.2). CENS, which
    has 12 rows, is padded to 16.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        self.settings = settings
        self.branches = nn.ModuleDict(_branches(settings))
        with torch.no_grad():
            joined = sum(found.shape[1] for found in self._maps(example_inputs(settings)))
        self.trunk = trunk(joined, settings.joint_blocks, settings.width)
        with torch.no_grad():
            features = self._features(example_inputs(settings)).shape[1]
        self.head = nn.Linear(features, settings.dimension)

    def forward(self, inputs: Inputs) -> Tensor:
        """(B, …) inputs → (B, E) embeddings, before they are masked and normalised."""
        embedding = self.head(self._features(inputs))
        if self.settings.activation == "relu":
            return torch.relu(embedding)
        return nn.functional.layer_norm(embedding, embedding.shape[1:])

    def _features(self, inputs: Inputs) -> Tensor:
        return cast("Tensor", self.trunk(torch.cat(self._maps(inputs), 1))).flatten(1)

    def _maps(self, inputs: Inputs) -> list[Tensor]:
        return [found(_image(inputs[name])) for name, found in self.branches.items()]


def example_inputs(settings: NetworkSettings, segments: int = 2) -> dict[str, Tensor]:
    """Inputs of the right shape, all zero."""
    shapes = {"mel": (MEL_BANDS, SEGMENT_FRAMES)}
    if settings.inputs == "multi":
        shapes |= {"tempogram": (TEMPOGRAM_LAGS, settings.columns), "cens": (CHROMA_SIZE, settings.columns)}
    return {name: torch.zeros(segments, *shape) for name, shape in shapes.items()}


def _branches(settings: NetworkSettings) -> dict[str, nn.Module]:
    size, blocks, width = settings.map_size, settings.branch_blocks, settings.width
    across = settings.columns // size
    halved = [(2, 2)] * blocks
    branches: dict[str, nn.Module] = {"mel": branch((MEL_BANDS // size, SEGMENT_FRAMES // size), halved, width)}
    if settings.inputs == "multi":
        branches["tempogram"] = branch((TEMPOGRAM_LAGS // size, across), halved, width)
        branches["cens"] = branch((1, across), [(1, 2)] * blocks, width)
    return branches


def _image(rows: Tensor) -> Tensor:
    """(B, rows, columns) → (B, 1, rows, columns), with zeros above and below up to MAP_SIZE rows."""
    missing = max(0, MAP_SIZE - rows.shape[1])
    return nn.functional.pad(rows, (0, 0, missing // 2, missing - missing // 2))[:, None]
