"""Waveforms to frames of features: pure functions in torch, on any device, without state.

They follow librosa 0.11 (the reference in ``tests/reference``) where they bear the name of one of its features.
Axis letters: T samples, F frames, K frequency bins, M mel bands. Frames are centred: frame f looks at the samples
around ``f * hop_samples``, with zeros beyond both ends.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import librosa
import numpy as np
import torch
from torch import Tensor

CHROMA_SIZE = 12
CONTRAST_OCTAVES = 6
CONTRAST_QUANTILE = 0.02
CONTRAST_FMIN_HZ = 200.0
ROLLOFF_SHARE = 0.85
CENS_STEPS = (0.4, 0.2, 0.1, 0.05)
ONSET_FLOOR = 1e-3
"""In dB: far below what is heard, far above the rounding errors of a level in float32."""

TINY = 1e-10
BLOCK_FRAMES = 1_024
"""Frames overlap: all of them written out would take four times the waveform and more."""


def waveform_to_frames(waveform: Tensor, frame_samples: int, hop_samples: int) -> Tensor:
    """(T,) → (F, frame_samples) overlapping views, F = 1 + T // hop_samples."""
    padded = torch.nn.functional.pad(waveform, (frame_samples // 2, frame_samples // 2))
    return padded.unfold(0, frame_samples, hop_samples)


def waveform_to_power(
    waveform: Tensor, fft_samples: int, hop_samples: int, bins: int, block_frames: int = BLOCK_FRAMES
) -> Iterator[Tensor]:
    """(T,) → blocks of at most ``block_frames`` frames of the Hann-windowed power spectrum, (F, bins) from 0 Hz."""
    window = torch.hann_window(fft_samples, device=waveform.device)
    for frames in torch.split(waveform_to_frames(waveform, fft_samples, hop_samples), block_frames):
        spectrum = torch.fft.rfft(frames * window)[:, :bins]
        yield (spectrum * spectrum.conj()).real


def waveform_to_zcr(waveform: Tensor, frame_samples: int, hop_samples: int) -> Tensor:
    """(T,) → (F,) share of neighbouring samples of a frame that differ in sign."""
    padded = torch.nn.functional.pad(waveform, (frame_samples // 2, frame_samples // 2))
    negative = torch.signbit(torch.where(padded.abs() <= TINY, 0.0, padded))
    crossings = negative[1:] != negative[:-1]
    frames = crossings.unfold(0, frame_samples - 1, hop_samples)
    return torch.cat([block.sum(1) for block in torch.split(frames, BLOCK_FRAMES)]) / frame_samples


def waveform_to_rms(waveform: Tensor, frame_samples: int, hop_samples: int) -> Tensor:
    """(T,) → (F,) root mean square of the frame's samples."""
    frames = waveform_to_frames(waveform, frame_samples, hop_samples)
    return torch.cat([block.square().mean(1) for block in torch.split(frames, BLOCK_FRAMES)]).sqrt()


def waveform_to_peak(waveform: Tensor, frame_samples: int, hop_samples: int) -> Tensor:
    """(T,) → (F,) largest magnitude among the frame's samples."""
    frames = waveform_to_frames(waveform.abs(), frame_samples, hop_samples)
    return torch.cat([block.amax(1) for block in torch.split(frames, BLOCK_FRAMES)])


def magnitude_to_shape(magnitude: Tensor, frequencies_hz: Tensor) -> Tensor:
    """(F, K) → (F, 3) spectral centroid, bandwidth (p = 2) and roll-off (0.85) in Hz; 0 for an empty spectrum."""
    share = magnitude / magnitude.sum(1, keepdim=True).clamp_min(TINY)
    centroid = share @ frequencies_hz
    spread = frequencies_hz[None] - centroid[:, None]
    bandwidth = (share * spread.square()).sum(1).sqrt()
    reached = (share.cumsum(1) < ROLLOFF_SHARE).sum(1).clamp_max(len(frequencies_hz) - 1)
    rolloff = frequencies_hz[reached] * (magnitude.sum(1) > TINY)
    return torch.stack([centroid, bandwidth, rolloff], 1)


def magnitude_to_contrast(magnitude: Tensor, frequencies_hz: Tensor) -> Tensor:
    """(F, K) → (F, B) spectral contrast in dB: peaks over valleys of each band of ``contrast_bands``."""
    contrasts = []
    for low, high in contrast_bands(frequencies_hz):
        band = magnitude[:, low:high].clamp_min(TINY)
        count = max(1, round(CONTRAST_QUANTILE * (high - low)))
        peak = band.topk(count, 1).values.mean(1)
        valley = band.topk(count, 1, largest=False).values.mean(1)
        contrasts.append(10 * (peak / valley).log10())
    return torch.stack(contrasts, 1)


def contrast_bands(frequencies_hz: Tensor) -> list[tuple[int, int]]:
    """First bin and end of each band: up to 200 Hz, then octaves as far as the frequencies reach, six at most.

    As in librosa a band holds both of its edges, but the last bin of all bands save the uppermost is left out.
    """
    edges = [0.0, *(CONTRAST_FMIN_HZ * 2**octave for octave in range(CONTRAST_OCTAVES + 1))]
    bounds = torch.searchsorted(frequencies_hz, torch.tensor(edges, device=frequencies_hz.device)).tolist()
    return [(low, high) for low, high in pairwise(bounds) if high < len(frequencies_hz)]


def power_to_log_flatness(power: Tensor) -> Tensor:
    """(F, K) → (F, 1) logarithm of the spectral flatness: 0 for white noise, the lower the more peaked."""
    return (power.log().mean(1) - power.mean(1).log())[:, None]


def mel_to_decibels(mel: Tensor, floor: float) -> Tensor:
    """(F, M) power → dB, nothing below ``floor``."""
    return 10 * mel.clamp_min(floor).log10()


def decibels_to_mfcc(decibels: Tensor, count: int) -> Tensor:
    """(F, M) log mel power → (F, count) coefficients of the orthonormal DCT-II."""
    coefficients: Tensor = decibels @ dct_matrix(decibels.shape[1], count).to(decibels)
    return coefficients


def decibels_to_onset(decibels: Tensor) -> Tensor:
    """(F, M) → (F,) onset strength: mean rise over the frame before, falls left out; 0 in the first frame."""
    rise = (decibels[1:] - decibels[:-1]).clamp_min(0).mean(1)
    return torch.nn.functional.pad(rise, (1, 0))


def delayed(values: Tensor, frames: int) -> Tensor:
    """(F,) → (F,) so many frames later, zeros before: librosa puts an onset at the centre of its frame."""
    return torch.nn.functional.pad(values, (frames, 0))[: len(values)]


def onset_to_tempogram(onset: Tensor, lags: int, block_frames: int = BLOCK_FRAMES) -> Tensor:
    """(F,) onset envelope → (lags, F) autocorrelation of the ``lags`` frames around each frame, Hann-windowed.

    As ``librosa.feature.tempogram``: lag 0 is 1, and beyond both ends the envelope falls to 0 as a straight line.
    One thing deviates: where nothing rises by more than ONSET_FLOOR, rounding errors are not blown up to 1.
    """
    windows = ramped(onset, lags // 2).unfold(0, lags, 1)[: len(onset)]
    blocks = torch.split(windows, block_frames)
    return torch.cat([windows_to_tempogram(block) for block in blocks]).T


def ramped(onset: Tensor, frames: int) -> Tensor:
    """(F,) → (F + 2 · frames,) which rises from 0 to the first value and falls to 0 from the last, as a line."""
    ramp = torch.arange(frames, device=onset.device) / frames
    return torch.cat([ramp * onset[0], onset, ramp.flip(0) * onset[-1]])


def windows_to_tempogram(windows: Tensor) -> Tensor:
    """(…, lags) onset envelope around a frame → (…, lags) its autocorrelation, Hann-windowed, 1 at lag 0."""
    lags = windows.shape[-1]
    window = torch.hann_window(lags, device=windows.device)
    floor = ONSET_FLOOR**2 * 0.375 * lags  # of an envelope of ONSET_FLOOR throughout
    spectrum = torch.fft.rfft(windows * window, 2 * lags)
    products = torch.fft.irfft((spectrum * spectrum.conj()).real, 2 * lags)[..., :lags]
    correlation: Tensor = products / products[..., :1].clamp_min(floor)
    return correlation


def semitones_to_chroma(semitones: Tensor, lowest_midi: int) -> Tensor:
    """(F, semitones), whole octaves → (F, 12) sums over the octaves, C first."""
    octaves = semitones.reshape(len(semitones), -1, CHROMA_SIZE)
    return octaves.sum(1).roll(lowest_midi % CHROMA_SIZE, 1)


def chroma_normalised(chroma: Tensor) -> Tensor:
    """(F, 12) → the largest of each frame is 1; silent frames are 0."""
    return chroma / chroma.amax(1, keepdim=True).clamp_min(TINY)


def chroma_to_cens(chroma: Tensor, window_frames: int) -> Tensor:
    """(F, 12) → chroma energy normalised statistics: shares, quantised, smoothed by a Hann window, unit norm."""
    shares = chroma / chroma.sum(1, keepdim=True).clamp_min(TINY)
    steps = torch.tensor(CENS_STEPS, device=chroma.device)
    quantised = (shares[..., None] > steps).sum(-1).to(chroma) * 0.25
    window = torch.hann_window(window_frames + 2, periodic=False, device=chroma.device)
    kernel = (window / window.sum()).expand(CHROMA_SIZE, 1, -1)
    smooth = torch.nn.functional.conv1d(quantised.T[None], kernel, padding="same", groups=CHROMA_SIZE)[0].T
    return torch.nn.functional.normalize(smooth, dim=1, eps=TINY)


def chroma_to_tonnetz(chroma: Tensor) -> Tensor:
    """(F, 12) → (F, 6) tonal centroid: circles of fifths, minor thirds and major thirds (Harte et al. 2006)."""
    shares = chroma / chroma.sum(1, keepdim=True).clamp_min(TINY)
    return shares @ tonnetz_matrix().to(chroma)


def onset_to_autocorrelation(onset: Tensor, lags: int) -> Tensor:
    """(S, F) onset envelopes → (S, lags) autocorrelation of what deviates from the mean; lag 0 is 1, or all are 0.

    Every lag is divided by the number of products in it, so that long lags are not damped.
    """
    frames = onset.shape[1]
    length = 2 * max(frames, lags)
    spectrum = torch.fft.rfft(onset - onset.mean(1, keepdim=True), length)
    products = torch.fft.irfft((spectrum * spectrum.conj()).real, length)[:, :lags]
    correlation = products / (frames - torch.arange(lags, device=onset.device)).clamp_min(1)
    energy = correlation[:, :1]
    return torch.where(energy > TINY, correlation / energy.clamp_min(TINY), 0.0)


def onset_to_modulation(onset: Tensor, fft_frames: int) -> Tensor:
    """(S, F) onset envelopes, F ≤ fft_frames → (S, fft_frames // 2 + 1) power of their fluctuation."""
    window = torch.hann_window(onset.shape[1], device=onset.device)
    spectrum = torch.fft.rfft((onset - onset.mean(1, keepdim=True)) * window, fft_frames)
    power: Tensor = (spectrum * spectrum.conj()).real
    return power


@lru_cache
def dct_matrix(bands: int, count: int) -> Tensor:
    """(bands, count) orthonormal DCT-II."""
    centre = (torch.arange(bands, dtype=torch.float64) + 0.5)[:, None]
    matrix = torch.cos(torch.pi / bands * centre * torch.arange(count)) * (2 / bands) ** 0.5
    matrix[:, 0] /= 2**0.5
    found: Tensor = matrix.float()
    return found


@lru_cache
def mel_matrix(sample_rate_hz: int, fft_samples: int, bands: int, fmax_hz: float, bins: int) -> Tensor:
    """(bins, bands) Slaney's mel filters up to ``fmax_hz``."""
    filters = librosa.filters.mel(sr=sample_rate_hz, n_fft=fft_samples, n_mels=bands, fmax=fmax_hz)
    return torch.from_numpy(np.ascontiguousarray(filters[:, :bins].T))


@lru_cache
def chroma_matrix(sample_rate_hz: int, fft_samples: int, bins: int) -> Tensor:
    """(bins, 12) Ellis's chroma filters at A = 440 Hz."""
    filters = librosa.filters.chroma(sr=sample_rate_hz, n_fft=fft_samples, tuning=0.0)
    return torch.from_numpy(np.ascontiguousarray(filters[:, :bins].T, dtype=np.float32))


@lru_cache
def semitone_matrix(sample_rate_hz: int, fft_samples: int, lowest_midi: int, semitones: int, bins: int) -> Tensor:
    """(bins, semitones) triangles on a logarithmic axis, one semitone to each side, in equal temperament."""
    frequencies = np.arange(1, bins) * sample_rate_hz / fft_samples
    midi = np.concatenate([[-100.0], 69 + 12 * np.log2(frequencies / 440.0)])
    distance = np.abs(midi[:, None] - np.arange(lowest_midi, lowest_midi + semitones))
    return torch.from_numpy(np.clip(1 - distance, 0, None).astype(np.float32))


@lru_cache
def tonnetz_matrix() -> Tensor:
    """(12, 6) positions of the pitch classes on the three circles, as sine and cosine; radii 1, 1 and 0.5."""
    pitch = torch.arange(CHROMA_SIZE, dtype=torch.float64)
    columns = []
    for angle, radius in ((7 / 6, 1.0), (3 / 2, 1.0), (2 / 3, 0.5)):
        columns += [radius * torch.sin(torch.pi * angle * pitch), radius * torch.cos(torch.pi * angle * pitch)]
    return torch.stack(columns, 1).float()
