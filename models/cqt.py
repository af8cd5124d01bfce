"""The constant-Q transform in torch, on any device: pure functions without state.

It follows ``librosa.cqt`` (0.11, held against it in ``tests/reference``): the recursive scheme of Schörkhuber and
Klapuri (2010). The filters of one octave serve all: from octave to octave the waveform's rate is halved, and with
it the hop, so that all octaves share their frames. One thing deviates: the filter that halves the rate lets fold
what lies above the octaves that are still to come, where librosa's keeps it, at a cost above that of all the rest.

Axis letters: T samples, F frames, K bins of a Fourier transform, Q bins of the constant-Q transform.
"""

from dataclasses import dataclass
from functools import lru_cache

import librosa
import numpy as np
import torch
from scipy import signal
from torch import Tensor

from models import features

LOWEST_HZ = 440 * 2 ** (-45 / 12)
"""C1."""

OCTAVES = 7
BINS_PER_OCTAVE = 36
BINS = OCTAVES * BINS_PER_OCTAVE
SPARSITY = 0.01
"""Share of a filter's spectrum that is left out, its weakest bins first; as in librosa."""

BLOCK_FRAMES = 256
"""So few that their spectra stay in a core's cache."""

_HALVING_TAPS = 31
_HALVING_BETA = 10.0
"""Of Kaiser's window: up to 0.2 of the rate before, true to 1e-5 and with 1e-5 of what is folded onto it."""

_HALVING_BLOCK = 32


@dataclass(frozen=True, slots=True, eq=False)
class OctaveKernel:
    """The filters of the uppermost octave in the frequency domain.

    Attributes:
        fft_samples: Length of the frames.
        first_bin: Of the Fourier transform, where the filters begin.
        spectra: (K, BINS_PER_OCTAVE) complex, from ``first_bin`` as far as the filters reach.
    """

    fft_samples: int
    first_bin: int
    spectra: Tensor


def waveform_to_cqt(waveform: Tensor, sample_rate_hz: int, hop_samples: int) -> Tensor:
    """(T,) → (F, Q) magnitudes from LOWEST_HZ up, scaled as librosa's; F = 1 + T // hop_samples.

    The hop must be a multiple of 2 ** (OCTAVES - 1).
    """
    frames = 1 + len(waveform) // hop_samples
    kernel = octave_kernel(sample_rate_hz)
    octaves = []
    for octave in range(OCTAVES):
        octaves.append(_responses(waveform, kernel, hop_samples >> octave, frames) * 2 ** (octave / 2))
        waveform = halved(waveform)
    return torch.cat(octaves[::-1], 1)


def cqt_to_chroma(cqt: Tensor) -> Tensor:
    """(F, Q) → (F, 12) sums over the octaves and over the three bins around each semitone, C first."""
    return cqt @ chroma_matrix().to(cqt)


def halved(waveform: Tensor) -> Tensor:
    """(T,) → (⌈T / 2⌉,) at half the rate; sample n lies where 2 n lay.

    As a matrix product over overlapping blocks: torch's convolution of a single channel takes six times as long.
    """
    matrix = halving_matrix().to(waveform)
    samples = -(-len(waveform) // 2)
    span, step, before = len(matrix), 2 * _HALVING_BLOCK, _HALVING_TAPS // 2
    blocks = -(-samples // _HALVING_BLOCK)
    after = (blocks - 1) * step + span - before - len(waveform)
    spans = torch.nn.functional.pad(waveform, (before, after)).unfold(0, span, step)
    return torch.cat([some @ matrix for some in torch.split(spans, features.BLOCK_FRAMES)]).flatten()[:samples]


@lru_cache
def octave_kernel(sample_rate_hz: int) -> OctaveKernel:
    """As ``librosa.cqt`` makes them: Hann-windowed phasors, scaled by the square root of their length."""
    uppermost = LOWEST_HZ * 2 ** (OCTAVES - 1 + np.arange(BINS_PER_OCTAVE) / BINS_PER_OCTAVE)
    wavelets, lengths = librosa.filters.wavelet(freqs=uppermost, sr=sample_rate_hz)
    fft_samples = wavelets.shape[1]
    spectra = np.fft.rfft(wavelets.real) + 1j * np.fft.rfft(wavelets.imag)
    sparse = librosa.util.sparsify_rows(spectra, quantile=SPARSITY).toarray()
    used = np.flatnonzero(sparse.any(0))
    found = sparse[:, used[0] : used[-1] + 1].T * np.sqrt(lengths) / fft_samples
    return OctaveKernel(fft_samples, int(used[0]), torch.from_numpy(found.astype(np.complex64)))


@lru_cache
def chroma_matrix() -> Tensor:
    """(Q, 12) ones where a bin belongs to a pitch class."""
    matrix = librosa.filters.cq_to_chroma(BINS, bins_per_octave=BINS_PER_OCTAVE, fmin=LOWEST_HZ)
    return torch.from_numpy(np.ascontiguousarray(matrix.T, np.float32))


@lru_cache
def halving_matrix() -> Tensor:
    """(samples, half as many) low-pass and every other sample of it, for one block with its surroundings."""
    taps = signal.firwin(_HALVING_TAPS, 0.5, window=("kaiser", _HALVING_BETA))
    matrix = np.zeros((2 * _HALVING_BLOCK + _HALVING_TAPS - 2, _HALVING_BLOCK), np.float32)
    for sample in range(_HALVING_BLOCK):
        matrix[2 * sample : 2 * sample + _HALVING_TAPS, sample] = taps
    return torch.from_numpy(matrix)


def _responses(waveform: Tensor, kernel: OctaveKernel, hop_samples: int, frames: int) -> Tensor:
    """(T,) → (F, BINS_PER_OCTAVE) magnitudes of one octave."""
    spectra = kernel.spectra.to(waveform.device)
    band = slice(kernel.first_bin, kernel.first_bin + len(spectra))
    views = features.waveform_to_frames(waveform, kernel.fft_samples, hop_samples)[:frames]
    blocks = torch.split(views, BLOCK_FRAMES)
    return torch.cat([(torch.fft.rfft(block)[:, band] @ spectra).abs() for block in blocks])
