"""What the stacks read: samples of the canonical waveform, or frames of its mel spectrogram.

Axis letters: T samples, N elements of a signal, W numbers in an element.
"""

from math import ceil

import torch
from torch import Tensor

from models.audible_frames import AUDIBLE
from models.encoder import Floats
from models.mel_spectrogram import MelSpectrogram
from models.track_frames import LEVEL_RMS, SAMPLE_RATE_HZ
from models.wavenet.settings import WavenetSettings

VERSION = 1
"""Raised whenever the same waveform would give another signal."""

FFT_SAMPLES = 1_024
FRAME_SAMPLES = 512
"""From one frame of a mel spectrogram to the next."""


def element_samples(settings: WavenetSettings) -> int:
    """How many samples of the waveform an element of the signal stands for."""
    return settings.mean_pool if settings.signal == "samples" else FRAME_SAMPLES


def element_rate_hz(settings: WavenetSettings) -> float:
    """Elements of a signal in a second."""
    return SAMPLE_RATE_HZ / element_samples(settings)


def canonical_to_signal(canonical: Floats, settings: WavenetSettings) -> Tensor:
    """(T,) canonical mono at SAMPLE_RATE_HZ → (N, W), N = ⌈T / element_samples⌉.

    Samples are their means over ``mean_pool`` neighbours (paper 004), the last few filled up with zeros. 004 takes
    the samples of the file; here level and bandwidth are made alike first, as for all encoders.
    """
    waveform = torch.from_numpy(canonical)
    count = ceil(len(waveform) / element_samples(settings))
    if settings.signal == "mel":
        return spectrogram(settings).decibels(waveform)[:count]
    filled = torch.nn.functional.pad(waveform, (0, count * settings.mean_pool - len(waveform)))
    return filled.view(count, settings.mean_pool).mean(1, keepdim=True)


def audible(signal: Tensor, settings: WavenetSettings) -> Tensor:
    """(N, W) → (N,) which elements are not silent."""
    if settings.signal == "mel":
        return spectrogram(settings).audible(signal)
    return signal[:, 0].abs() > AUDIBLE * LEVEL_RMS


def spectrogram(settings: WavenetSettings) -> MelSpectrogram:
    """How it is taken."""
    return MelSpectrogram(FFT_SAMPLES, FRAME_SAMPLES, settings.mel_bands)
