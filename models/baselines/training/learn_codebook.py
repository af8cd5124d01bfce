"""Codebooks from frames, by scikit-learn."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray

from models.baselines.codebook import Codebook
from models.errors import ToolMissing
from models.standardisation import fit_standardisation

Floats = NDArray[np.float32]


def sampled_frames(tracks: Iterable[Floats], most: int, seed: int) -> Floats:
    """(n, D) of the (F, D) frames of tracks: at random, ``most`` of each."""
    generator = np.random.default_rng(seed)
    return np.concatenate([generator.permutation(track)[:most] for track in tracks])


def learn_codebook(frames: Floats, codewords: int, seed: int) -> Codebook:
    """Standardise (n, D) frames and cluster them; as many codewords as frames where there are fewer of these.

    Raises:
        ToolMissing: scikit-learn is not installed.
    """
    try:
        from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415 - optional dependency
    except ImportError as error:
        raise ToolMissing("A codebook needs scikit-learn: pip install 'soundkin[evaluation]'.") from error
    scaling = fit_standardisation(frames.astype(np.float64))
    scores = ((frames - scaling.mean) * scaling.weight).astype(np.float32)
    words = MiniBatchKMeans(min(codewords, len(scores)), random_state=seed).fit(scores).cluster_centers_
    return Codebook(
        torch.from_numpy(scaling.mean), torch.from_numpy(scaling.weight), torch.from_numpy(words).double()
    )
