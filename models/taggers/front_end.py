"""Waveform to log mel spectrogram, as the taggers were trained on it (torchaudio's defaults)."""

from functools import lru_cache

import librosa
import numpy as np
import torch
from torch import Tensor

SAMPLE_RATE_HZ = 16_000
FFT_SAMPLES = 512
HOP_SAMPLES = 256
MEL_BANDS = 96
FLOOR = 1e-10


def waveform_to_log_mel(waveform: Tensor) -> Tensor:
    """(B, T) mono at SAMPLE_RATE_HZ → (B, MEL_BANDS, T // HOP_SAMPLES + 1) in dB, not below -100.

    Power spectrum in Hann windows centred on the hops, ends reflected; no ceiling on the range.
    """
    spectrum = torch.stft(
        waveform, FFT_SAMPLES, HOP_SAMPLES, window=window(), center=True, pad_mode="reflect", return_complex=True
    )
    power = spectrum.real.square() + spectrum.imag.square()
    return 10 * (mel_filters().T @ power).clamp_min(FLOOR).log10()


@lru_cache
def window() -> Tensor:
    """(FFT_SAMPLES,) periodic Hann window."""
    return torch.hann_window(FFT_SAMPLES)


@lru_cache
def mel_filters() -> Tensor:
    """(FFT_SAMPLES // 2 + 1, MEL_BANDS) triangles of height 1 on the HTK scale from 0 Hz to half the rate."""
    filters = librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=FFT_SAMPLES, n_mels=MEL_BANDS, htk=True, norm=None)
    return torch.from_numpy(np.ascontiguousarray(filters.T, np.float32))
