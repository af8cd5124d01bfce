"""What CLMR hears: the canonical waveform itself (paper 000).

Axis letters: T samples, B blocks, L samples of a block.
"""

import torch
from torch import Tensor

from models.audible_frames import AUDIBLE
from models.baselines.blocks import Blocks
from models.baselines.clmr_network import BLOCK_SAMPLES
from models.encoder import Floats
from models.track_frames import LEVEL_RMS, SAMPLE_RATE_HZ

VERSION = 1
"""Raised whenever the same waveform would be heard otherwise."""

BLOCKS = Blocks(BLOCK_SAMPLES, 1, SAMPLE_RATE_HZ)
"""Of 2.68 s; from one second on, what is left over gets a block of its own."""


def samples(canonical: Floats) -> Tensor:
    """(T,) canonical mono at SAMPLE_RATE_HZ → (T,)."""
    return torch.from_numpy(canonical)


def audible(blocks: Tensor) -> Tensor:
    """(B, L) → (B,) which of them are not silent."""
    return blocks.square().mean(1).sqrt() > AUDIBLE * LEVEL_RMS
