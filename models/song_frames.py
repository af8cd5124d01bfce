"""The 52 features per frame of paper 000 (Kim and Liem 2022): MFCC, their changes, chroma and onset strength.

Order: MFCC (13), Δ (13), ΔΔ (13), ln chroma (12), ln onset strength (1). They are librosa's with its defaults, in
torch, and are held against it in ``tests/reference``; one thing differs: chroma is taken at A = 440 Hz, where the
paper estimates the tuning of each track, since librosa 0.11 crashes there with some versions of numba.

Axis letters: T samples, F frames, M mel bands.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

from models import features
from models.errors import WaveformTooShort

SAMPLE_RATE_HZ = 22_050
FFT_SAMPLES = 2_048
HOP_SAMPLES = 512
MEL_BANDS = 128
MFCC_COUNT = 13
DELTA_FRAMES = 9
FEATURES = 52
VERSION = 1
"""Raised whenever a feature changes."""

MIN_SAMPLES = (DELTA_FRAMES - 1) * HOP_SAMPLES
LOG_FLOOR = 1e-8
TOP_DB = 80.0
_BINS = FFT_SAMPLES // 2 + 1
_ONSET_DELAY_FRAMES = FFT_SAMPLES // (2 * HOP_SAMPLES)


def song_frames(waveform: NDArray[np.float32]) -> Tensor:
    """(T,) mono samples at SAMPLE_RATE_HZ → (F, 52), F = 1 + T // HOP_SAMPLES; finite throughout.

    Raises:
        WaveformTooShort: Fewer than the nine frames over which changes are taken.
    """
    if len(waveform) < MIN_SAMPLES:
        raise WaveformTooShort(
            f"The track has {len(waveform) / SAMPLE_RATE_HZ:.3f} s of sound; its frames need at least "
            f"{MIN_SAMPLES / SAMPLE_RATE_HZ:.3f} s."
        )
    mel, chroma = _spectra(torch.from_numpy(np.array(waveform)))
    decibels = features.mel_to_decibels(mel, features.TINY)
    decibels = decibels.clamp_min(decibels.max() - TOP_DB)
    mfcc = features.decibels_to_mfcc(decibels, MFCC_COUNT)
    onset = features.delayed(features.decibels_to_onset(decibels), _ONSET_DELAY_FRAMES)
    logs = torch.cat([normalised(chroma), onset[:, None]], 1).clamp_min(LOG_FLOOR).log()
    return torch.cat([mfcc, delta(mfcc, 1), delta(mfcc, 2), logs], 1)


def delta(frames: Tensor, order: int) -> Tensor:
    """(F, D) → (F, D) derivative of the polynomial of degree ``order`` that fits the nine frames around best.

    At both ends the fit to the first and last nine frames holds, whose derivative is the same everywhere.
    """
    windows = frames.unfold(0, DELTA_FRAMES, 1)
    slope = windows @ _delta_weights(order)
    edge = DELTA_FRAMES // 2
    return torch.cat([slope[:1].expand(edge, -1), slope, slope[-1:].expand(edge, -1)])


def normalised(chroma: Tensor) -> Tensor:
    """(F, 12) → the largest of each frame is 1, however quiet; empty frames are 0."""
    return chroma / chroma.amax(1, keepdim=True).clamp_min(torch.finfo(chroma.dtype).tiny)


def _spectra(waveform: Tensor) -> tuple[Tensor, Tensor]:
    """(T,) → mel (F, M) and chroma (F, 12), both in power."""
    mel = features.mel_matrix(SAMPLE_RATE_HZ, FFT_SAMPLES, MEL_BANDS, SAMPLE_RATE_HZ / 2, _BINS)
    chroma = features.chroma_matrix(SAMPLE_RATE_HZ, FFT_SAMPLES, _BINS)
    blocks = features.waveform_to_power(waveform, FFT_SAMPLES, HOP_SAMPLES, _BINS)
    mels, chromas = zip(*((power @ mel, power @ chroma) for power in blocks), strict=True)
    return torch.cat(mels), torch.cat(chromas)


@lru_cache
def _delta_weights(order: int) -> Tensor:
    weights = signal.savgol_coeffs(DELTA_FRAMES, order, deriv=order, use="dot")
    return torch.from_numpy(np.asarray(weights, np.float32))
