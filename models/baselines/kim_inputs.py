"""What KIM hears: a mel spectrogram in dB (paper 000 and its code).

One channel: of a mono waveform the two of the paper are the same. Axis letters: B blocks, L frames, M mel bands.
"""

from functools import lru_cache

import torch
from torch import Tensor

from models.baselines.blocks import Blocks
from models.encoder import Floats
from models.mel_spectrogram import MelSpectrogram
from models.track_frames import SAMPLE_RATE_HZ

HOP_SAMPLES = 256
MEL_BANDS = 128
BLOCK_FRAMES = 216
VERSION = 1
"""Raised whenever the same waveform would give another spectrogram."""

SPECTROGRAM = MelSpectrogram(fft_samples=1_024, hop_samples=HOP_SAMPLES, bands=MEL_BANDS)


def mel_decibels(canonical: Floats) -> Tensor:
    """(T,) canonical mono at SAMPLE_RATE_HZ → (F, M) mel power in dB; F = 1 + T // HOP_SAMPLES."""
    return SPECTROGRAM.decibels(torch.from_numpy(canonical))


def audible(blocks: Tensor) -> Tensor:
    """(B, L, M) blocks → (B,) which of them are not silent."""
    return SPECTROGRAM.audible(blocks).any(1)


@lru_cache
def kim_blocks() -> Blocks:
    """Of 2.5 s; from one second on, what is left over gets a block of its own."""
    return Blocks(BLOCK_FRAMES, HOP_SAMPLES, SAMPLE_RATE_HZ // HOP_SAMPLES, SPECTROGRAM.silence_decibels())
