"""The frames of a track as the mixture hears them: of the canonical waveform, and which of them are audible."""

import numpy as np
import torch
from torch import Tensor

from models.encoder import Floats
from models.song_frames import FFT_SAMPLES, HOP_SAMPLES, song_frames
from models.track_frames import LEVEL_RMS, canonicalise

AUDIBLE = 1e-3
"""Of the level of the track: frames 60 dB below it are pauses."""


def track_frames(waveform: Floats) -> tuple[Tensor, Tensor]:
    """(T,) mono samples at SAMPLE_RATE_HZ → (F, 52) frames, and (F,) whether they are audible; F = ⌈T / hop⌉.

    Paper 000 takes the waveform as it is. Level and bandwidth are made alike here, as for all encoders: else a
    quieter copy would be another song.

    Raises:
        WaveformTooShort: Fewer samples than nine frames.
    """
    canonical = canonicalise(waveform)
    count = -(-len(waveform) // HOP_SAMPLES)
    return song_frames(canonical)[:count], (_levels(canonical) > AUDIBLE * LEVEL_RMS)[:count]


def _levels(waveform: Floats) -> Tensor:
    """(F,) root mean square around each frame."""
    power = torch.from_numpy(np.square(waveform))[None]
    half = FFT_SAMPLES // 2
    padded = torch.nn.functional.pad(power, (half, half))
    return torch.nn.functional.avg_pool1d(padded, FFT_SAMPLES, HOP_SAMPLES)[0].sqrt()
