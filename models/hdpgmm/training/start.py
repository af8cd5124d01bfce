"""Which component each frame belongs to before anything was learnt."""

import numpy as np
import torch
from torch import Tensor

from models.errors import ToolMissing
from models.hdpgmm.training.config import TrainingConfig


def nearest_components(frames: Tensor, config: TrainingConfig, generator: np.random.Generator) -> Tensor:
    """(n, D) frames → (n,) components.

    Raises:
        ToolMissing: k-means++ is scikit-learn's, which is not installed.
    """
    components = config.mixture.components
    if config.start == "random":
        return torch.from_numpy(generator.integers(components, size=len(frames)))
    try:
        from sklearn.cluster import kmeans_plusplus  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("Training needs scikit-learn: pip install 'soundkin[evaluation]'.") from error
    seed = int(generator.integers(1 << 31))
    centres, _ = kmeans_plusplus(frames.numpy(), min(components, len(frames)), random_state=seed)
    return torch.cdist(frames, torch.from_numpy(centres)).argmin(1)
