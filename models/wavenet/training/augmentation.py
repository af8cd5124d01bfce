"""Changes of crops after which they are still of the same music; ours, the paper changes nothing.

Axis letters: B crops, L elements, W numbers in an element.
"""

import numpy as np
import torch
from torch import Tensor

from models.wavenet.settings import WavenetSettings
from models.wavenet.training.config import AugmentationSettings

CURVE_POINTS = 5


def augmented(
    crops: Tensor,
    filling: Tensor,
    network: WavenetSettings,
    settings: AugmentationSettings,
    generator: np.random.Generator,
) -> Tensor:
    """(B, L, W) crops → (B, L, W), each changed by itself; what is masked is (W,) the filling."""
    return torch.stack([_changed(crop, filling, network, settings, generator) for crop in crops])


def _changed(
    crop: Tensor,
    filling: Tensor,
    network: WavenetSettings,
    settings: AugmentationSettings,
    generator: np.random.Generator,
) -> Tensor:
    if network.signal == "mel":
        changed = _moved(crop, int(generator.integers(-settings.most_shift, settings.most_shift + 1)))
        changed = changed + _curve(crop.shape[1], settings.most_db, generator)
        first, end = _span(crop.shape[1], settings.masked_bands, generator)
        changed[:, first:end] = filling[first:end]
    else:
        changed = crop * 10 ** (generator.uniform(-settings.most_db, settings.most_db) / 20)
    first, end = _span(len(crop), settings.masked_time, generator)
    changed[first:end] = filling
    return changed


def _moved(crop: Tensor, bands: int) -> Tensor:
    """(L, W) with its bands moved up; at the end that is left free the outermost band stands again."""
    places = (torch.arange(crop.shape[1]) - bands).clamp(0, crop.shape[1] - 1)
    return crop[:, places]


def _curve(bands: int, most_db: float, generator: np.random.Generator) -> Tensor:
    """(W,) dB, straight from point to point."""
    points = generator.uniform(-most_db, most_db, CURVE_POINTS)
    places = np.linspace(0, CURVE_POINTS - 1, bands)
    return torch.from_numpy(np.interp(places, np.arange(CURVE_POINTS), points)).float()


def _span(length: int, most: float, generator: np.random.Generator) -> tuple[int, int]:
    """A random span of at most that share of a length."""
    masked = int(generator.integers(int(most * length) + 1))
    first = int(generator.integers(length - masked + 1))
    return first, first + masked
