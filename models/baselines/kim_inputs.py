"""What KIM hears: a mel spectrogram in dB (paper 000 and its code).

Axis letters: T samples, F frames, M mel bands.
"""

from functools import lru_cache

import torch
from torch import Tensor

from models import features
from models.baselines.blocks import Blocks
from models.encoder import Floats
from models.track_frames import BAND_LIMIT_HZ, POWER_FLOOR, SAMPLE_RATE_HZ

FFT_SAMPLES = 1_024
HOP_SAMPLES = 256
MEL_BANDS = 128
BLOCK_FRAMES = 216
VERSION = 1
"""Raised whenever the same waveform would give another spectrogram."""

AUDIBLE_DB = 3.0
"""Above what silence has: a block in which no band is louder is silent."""

_BINS = FFT_SAMPLES // 2 + 1


def mel_decibels(canonical: Floats) -> Tensor:
    """(T,) canonical mono at SAMPLE_RATE_HZ → (F, M) mel power in dB; F = 1 + T // HOP_SAMPLES.

    One channel: of a mono waveform the two of the paper are the same. The bands end where the canonical waveform
    does, and a floor below everything audible takes the place of 80 dB below the track's maximum, so that a block
    is the same whatever else the track holds.
    """
    matrix = _matrix()
    blocks = features.waveform_to_power(torch.from_numpy(canonical), FFT_SAMPLES, HOP_SAMPLES, _BINS)
    mel = torch.cat([(power + POWER_FLOOR) @ matrix for power in blocks])
    return features.mel_to_decibels(mel, features.TINY)


def silence_decibels() -> Tensor:
    """(M,) what silence has in each band."""
    return features.mel_to_decibels(torch.full((1, _BINS), POWER_FLOOR) @ _matrix(), features.TINY)[0]


def audible(blocks: Tensor) -> Tensor:
    """(B, L, M) blocks → (B,) which of them are not silent."""
    return (blocks - silence_decibels().to(blocks)).flatten(1).amax(1) > AUDIBLE_DB


@lru_cache
def kim_blocks() -> Blocks:
    """Of 2.5 s; from one second on, what is left over gets a block of its own."""
    return Blocks(BLOCK_FRAMES, HOP_SAMPLES, SAMPLE_RATE_HZ // HOP_SAMPLES, silence_decibels())


def _matrix() -> Tensor:
    return features.mel_matrix(SAMPLE_RATE_HZ, FFT_SAMPLES, MEL_BANDS, BAND_LIMIT_HZ, _BINS)
