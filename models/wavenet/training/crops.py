"""Crops of signals: at random to learn from, from the middle to judge by.

Axis letters: N elements of a track, L of a crop, W numbers in an element, B tracks.
"""

from collections.abc import Sequence
from math import ceil

import numpy as np
import torch
from torch import Tensor

from models.runs.tensor_cache import TensorCache
from models.wavenet.inputs import element_rate_hz
from models.wavenet.settings import WavenetSettings


def crop_elements(crop_s: float, settings: WavenetSettings) -> int:
    """L, of crops of so many seconds: whole steps."""
    return ceil(crop_s * element_rate_hz(settings) / settings.step) * settings.step


def random_crops(
    cache: TensorCache, entries: Sequence[str], length: int, filling: Tensor, generator: np.random.Generator
) -> Tensor:
    """(B, L, W) one crop of each of B tracks; shorter ones are filled up with (W,).

    Raises:
        TrainingInterrupted: Features in the cache are damaged.
    """
    crops = []
    for entry in entries:
        track = cache.read(entry)
        crops.append(_crop(track, int(generator.integers(max(0, len(track) - length) + 1)), length, filling))
    return torch.stack(crops)


def middle_crop(cache: TensorCache, entry: str, length: int, filling: Tensor) -> Tensor:
    """(1, L, W) the middle of a track.

    Raises:
        TrainingInterrupted: Features in the cache are damaged.
    """
    track = cache.read(entry)
    return _crop(track, max(0, len(track) - length) // 2, length, filling)[None]


def _crop(track: Tensor, start: int, length: int, filling: Tensor) -> Tensor:
    crop = track[start : start + length].float()
    return torch.cat([crop, filling.expand(length - len(crop), -1).to(crop)])
