"""The Inception network of papers 001 and 003: blocks that halve a map, with one branch per input.

Source: Lee et al. (ISMIR 2020) and Ribecky et al. (paper 001), whose text leaves sizes open; these are those of the
authors' published code. A block is a "naïve" Inception module with stride 2 and a "dimension reduction" module;
every convolution is followed by batch normalisation and ReLU.

Shapes: B segments, C channels, rows × columns of a map.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Pair = tuple[int, int]

STEM_FILTERS = 64
BLOCK_FILTERS = (64, 64, 96, 32)
"""Of the branches of a block's second module: 256 together."""


class ConvolutionUnit(nn.Sequential):
    """Convolution, batch normalisation, ReLU; the map keeps its size divided by the stride."""

    def __init__(self, inputs: int, filters: int, size: int, stride: int | Pair = 1) -> None:
        convolution = nn.Conv2d(inputs, filters, size, stride, padding=size // 2)
        nn.init.kaiming_uniform_(convolution.weight, nonlinearity="relu")
        nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
        super().__init__(convolution, nn.BatchNorm2d(filters), nn.ReLU(inplace=True))

    def fold(self) -> None:
        """Make one convolution of both, which gives the same and costs less; for a trained unit in eval mode."""
        convolution, normalisation = cast("nn.Conv2d", self[0]), cast("nn.BatchNorm2d", self[1])
        self[0], self[1] = fuse_conv_bn_eval(convolution, normalisation), nn.Identity()


class Parallel(nn.ModuleList):
    """Branches of one input, side by side on the channels."""

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, rows, columns) → (B, sum of the branches' channels, …)."""
        return torch.cat([branch(maps) for branch in self], 1)


class InceptionBlock(nn.Sequential):
    """A map through both modules: (B, C, r, c) → (B, 256·width, r / stride, c / stride), rounded up.

    The first branch of the naïve module has a kernel of 1, as in the authors' code, where it is named "3x3".
    """

    def __init__(self, inputs: int, width: float, stride: Pair = (2, 2)) -> None:
        f32, f48, f64, f96 = (scaled(filters, width) for filters in (32, 48, 64, 96))
        naive = Parallel(
            [
                ConvolutionUnit(inputs, f48, 1, stride),
                nn.Sequential(
                    ConvolutionUnit(inputs, f64, 1),
                    ConvolutionUnit(f64, f96, 3),
                    ConvolutionUnit(f96, f96, 3, stride),
                ),
                nn.MaxPool2d(3, stride, padding=1),
            ]
        )
        joined = inputs + f48 + f96
        reduction = Parallel(
            [
                ConvolutionUnit(joined, f64, 1),
                nn.Sequential(ConvolutionUnit(joined, f48, 1), ConvolutionUnit(f48, f64, 5)),
                nn.Sequential(
                    ConvolutionUnit(joined, f64, 1), ConvolutionUnit(f64, f96, 3), ConvolutionUnit(f96, f96, 3)
                ),
                nn.Sequential(nn.AvgPool2d(3, 1, padding=1), ConvolutionUnit(joined, f32, 1)),
            ]
        )
        super().__init__(naive, reduction)


class Stem(nn.Sequential):
    """The first convolution of a branch and its pooling: (B, 1, r, c) → (B, 64·width, r / factor, c / factor)."""

    def __init__(self, factor: Pair, width: float) -> None:
        stride = tuple(2 if each % 4 == 0 else 1 for each in factor)
        pool = tuple(each // step for each, step in zip(factor, stride, strict=True))
        super().__init__(
            ConvolutionUnit(1, scaled(STEM_FILTERS, width), 5, (stride[0], stride[1])), nn.MaxPool2d(pool)
        )


def branch(factor: Pair, strides: Sequence[Pair], width: float) -> nn.Sequential:
    """A stem and as many blocks as there are strides."""
    blocks = [
        InceptionBlock(block_filters(width) if number else scaled(STEM_FILTERS, width), width, stride)
        for number, stride in enumerate(strides)
    ]
    return nn.Sequential(Stem(factor, width), *blocks)


def trunk(inputs: int, blocks: int, width: float) -> nn.Sequential:
    """Blocks behind the place where branches are joined."""
    return nn.Sequential(
        *(InceptionBlock(block_filters(width) if number else inputs, width) for number in range(blocks))
    )


def block_filters(width: float) -> int:
    """Channels that a block gives."""
    return sum(scaled(filters, width) for filters in BLOCK_FILTERS)


def scaled(filters: int, width: float) -> int:
    """So many filters times the width, in multiples of eight."""
    return max(8, round(filters * width / 8) * 8)
