"""Vectors that are compared by distance, laid on a sphere, where an index compares by cosine.

Axis letters: E dimensions.
"""

import torch
from torch import Tensor

REACH = 2.0
"""Radius of the sphere, of the longest vector of the training tracks."""


def on_sphere(vectors: Tensor, radius: Tensor) -> Tensor:
    """(…, E) → (…, E + 1) of unit length, whose cosines order pairs as their Euclidean distances do, or nearly.

    A vector x becomes (x, √(r² − |x|²)) / r, the point of the upper half of a sphere above it. The chord between
    two such points is their distance, but for the difference of their heights: that adds nothing to a distance of
    vectors of one length, and within half the radius at most a factor of √(4/3), or 15.5 %, to a short one along a
    radius; from the centre to there it is 3.5 %. What is longer than 0.99 r is shortened to it.
    """
    scaled = vectors / radius
    lengths = scaled.norm(dim=-1, keepdim=True)
    scaled = scaled * (0.99 / lengths.clamp_min(0.99))
    heights = (1 - scaled.square().sum(-1, keepdim=True)).sqrt()
    return torch.cat([scaled, heights], -1)
