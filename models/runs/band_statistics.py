"""Mean and deviation of each number of frames, track after track."""

from collections.abc import Iterable

import torch
from torch import Tensor


def band_statistics(tracks: Iterable[Tensor]) -> tuple[Tensor, Tensor]:
    """(F, M) frames of tracks → (M,) mean and (M,) population deviation over all of them; at least one frame."""
    count, first, second = 0, torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    for track in tracks:
        exact = track.double()
        count += len(exact)
        first = first + exact.sum(0)
        second = second + exact.square().sum(0)
    mean = first / count
    return mean, (second / count - mean.square()).clamp_min(0).sqrt()
