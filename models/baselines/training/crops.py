"""Crops of songs: two at random of each song of a batch, or some evenly spread to judge by."""

import numpy as np
import torch
from torch import Tensor

from models.baselines.blocks import Blocks
from models.runs.tensor_cache import TensorCache


def random_pairs(cache: TensorCache, entries: list[str], blocks: Blocks, generator: np.random.Generator) -> Tensor:
    """(2, B, L, …) two crops of each of B tracks, whose places do not depend on each other.

    Raises:
        TrainingInterrupted: Features in the cache are damaged.
    """
    pairs = []
    for entry in entries:
        track = cache.read(entry)
        starts = generator.integers(max(0, len(track) - blocks.length) + 1, size=2)
        pairs.append(blocks.cut(track, torch.from_numpy(starts)).float())
    return torch.stack(pairs, 1)


def spread_crops(cache: TensorCache, entry: str, blocks: Blocks, count: int) -> Tensor:
    """(n, L, …) crops of a track: as many blocks as it has, evenly spread where there are more than ``count``.

    Raises:
        TrainingInterrupted: Features in the cache are damaged.
    """
    track = cache.read(entry)
    starts = blocks.starts(len(track))
    chosen = torch.linspace(0, len(starts) - 1, min(count, len(starts))).round().long()
    return blocks.cut(track, starts[chosen]).float()
