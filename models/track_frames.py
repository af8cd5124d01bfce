"""A whole track as frames of features, from which the descriptor's statistics and the analysis are made.

Before anything is measured the waveform is made canonical: mean removed, band-limited, level-normalised. What a
codec, a sample rate or a mastering level leaves behind is a shortcut to a file's origin, not a likeness of music.

Axis letters: T samples, F frames of HOP_SAMPLES, G frames of HARMONY_HOP_SAMPLES, M mel bands.
"""

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

from models import features

SAMPLE_RATE_HZ = 22_050
FFT_SAMPLES = 2_048
HOP_SAMPLES = 512
BAND_LIMIT_HZ = 6_500.0
MEL_BANDS = 128
MFCC_COUNT = 20
HARMONY_FFT_SAMPLES = 8_192
HARMONY_HOP_SAMPLES = 2_048
LOWEST_MIDI = 33
SEMITONES = 72
CENS_WINDOW_FRAMES = 11
ONSET_EDGES_HZ = (0.0, 200.0, 800.0, 2_500.0, BAND_LIMIT_HZ)
SILENCE_RMS = 1e-4
"""-80 dBFS: a track below it is silent."""

LEVEL_RMS = 0.1
POWER_FLOOR = 1e-6
"""Some 70 dB below the mean power of a bin at LEVEL_RMS: hides dither and what codecs leave in pauses."""

RMS_FLOOR = 1e-4
_HARMONY_BLOCK_FRAMES = features.BLOCK_FRAMES * FFT_SAMPLES // HARMONY_FFT_SAMPLES
_FILTER_SAMPLES = 1 << 19
_BINS = int(BAND_LIMIT_HZ / SAMPLE_RATE_HZ * FFT_SAMPLES) + 1
_HARMONY_BINS = int(440 * 2 ** ((LOWEST_MIDI + SEMITONES - 69) / 12) / SAMPLE_RATE_HZ * HARMONY_FFT_SAMPLES) + 2


@dataclass(frozen=True, slots=True, eq=False)
class TrackFrames:
    """Features per frame.

    Attributes:
        duration_s: Of the track.
        silent: Whether there is nothing to hear; the features mean nothing then.
        timbre: (F, 31) zero-crossing rate, centroid, bandwidth, roll-off, contrast (6), log flatness, MFCC (20).
        harmony: (G, 42) chroma, CENS, tonnetz, chroma of the short frames.
        semitones: (G, SEMITONES) magnitude of each semitone from LOWEST_MIDI up.
        onsets: (F, 5) onset strength: whole band, then by ONSET_EDGES_HZ.
        dynamics: (F, 2) level in dB relative to the track's, crest factor in dB.
    """

    duration_s: float
    silent: bool
    timbre: Tensor
    harmony: Tensor
    semitones: Tensor
    onsets: Tensor
    dynamics: Tensor


_shared: dict[int, TrackFrames] = {}


def shared_track_frames(waveform: NDArray[np.float32]) -> TrackFrames:
    """As ``waveform_to_track_frames``, but once per waveform for as long as it lives.

    Only for read-only arrays, which cannot have changed since; any other is computed anew. ``models.audio`` hands
    out read-only ones, so that the analysis and the encoder share the work without knowing each other.
    """
    if waveform.flags.writeable:
        return waveform_to_track_frames(waveform)
    key = id(waveform)
    if key not in _shared:
        _shared[key] = waveform_to_track_frames(waveform)
        weakref.finalize(waveform, _shared.pop, key, None).atexit = False
    return _shared[key]


def waveform_to_track_frames(waveform: NDArray[np.float32]) -> TrackFrames:
    """(T,) mono samples at SAMPLE_RATE_HZ → every frame feature; the spectra are never held as a whole."""
    canonical = torch.from_numpy(canonicalise(waveform))
    shapes, mels, chromas = zip(*_short_frames(canonical), strict=True)
    mel_db = features.mel_to_decibels(torch.cat(mels), POWER_FLOOR)
    zcr = features.waveform_to_zcr(canonical, FFT_SAMPLES, HOP_SAMPLES)
    semitones = _semitones(canonical)
    return TrackFrames(
        duration_s=len(waveform) / SAMPLE_RATE_HZ,
        silent=not bool(canonical.any()),
        timbre=torch.cat([zcr[:, None], torch.cat(shapes), features.decibels_to_mfcc(mel_db, MFCC_COUNT)], 1),
        harmony=_harmony(semitones, torch.cat(chromas)),
        semitones=semitones,
        onsets=_onsets(mel_db),
        dynamics=_dynamics(canonical),
    )


def canonicalise(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T,) mono at SAMPLE_RATE_HZ → band-limited, without DC, at LEVEL_RMS over the parts that are not quiet.

    Returns zeros for silence.
    """
    limited = low_passed(waveform - np.float32(waveform.mean(dtype=np.float64)))
    level = gated_rms(limited)
    limited *= np.float32(LEVEL_RMS / level) if level >= SILENCE_RMS else np.float32(0)
    return limited


def low_passed(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T,) → (T,) without what lies above BAND_LIMIT_HZ; in double precision, block by block."""
    taps = _low_pass()
    padded = np.pad(waveform, len(taps) // 2)
    limited = np.empty_like(waveform)
    for start in range(0, len(waveform), _FILTER_SAMPLES):
        block = limited[start : start + _FILTER_SAMPLES]
        around = padded[start : start + len(block) + len(taps) - 1].astype(np.float64)
        block[:] = signal.oaconvolve(around, taps, mode="valid")
    return limited


def gated_rms(waveform: NDArray[np.float32]) -> float:
    """Root mean square over the blocks of 0.1 s that lie within 20 dB of the mean power."""
    block = SAMPLE_RATE_HZ // 10
    whole = waveform[: max(1, len(waveform) // block) * block]
    starts = np.arange(0, len(whole), block)
    power = np.add.reduceat(np.square(whole, dtype=np.float64), starts) / min(block, len(whole))
    return float(np.sqrt(power[power >= 0.01 * power.mean()].mean()))


def onset_band(low_hz: float, high_hz: float) -> slice:
    """Mel bands whose centre lies in [low_hz, high_hz)."""
    centres = librosa.mel_frequencies(MEL_BANDS + 2, fmin=0.0, fmax=BAND_LIMIT_HZ)[1:-1]
    low, high = np.searchsorted(centres, [low_hz, high_hz])
    return slice(int(low), int(high))


@lru_cache
def _low_pass() -> NDArray[np.float32]:
    return np.asarray(signal.firwin(127, BAND_LIMIT_HZ, fs=SAMPLE_RATE_HZ), np.float32)


def _short_frames(canonical: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Blocks of spectral shape (F, 10), mel power (F, M) and chroma (F, 12)."""
    frequencies = torch.arange(_BINS) * (SAMPLE_RATE_HZ / FFT_SAMPLES)
    mel = features.mel_matrix(SAMPLE_RATE_HZ, FFT_SAMPLES, MEL_BANDS, BAND_LIMIT_HZ, _BINS)
    chroma = features.chroma_matrix(SAMPLE_RATE_HZ, FFT_SAMPLES, _BINS)
    for bare in features.waveform_to_power(canonical, FFT_SAMPLES, HOP_SAMPLES, _BINS):
        power = bare + POWER_FLOOR
        magnitude = power.sqrt()
        shape = [
            features.magnitude_to_shape(magnitude, frequencies),
            features.magnitude_to_contrast(magnitude, frequencies),
            features.power_to_log_flatness(power),
        ]
        yield torch.cat(shape, 1), power @ mel, features.chroma_normalised(power @ chroma)


def _semitones(canonical: Tensor) -> Tensor:
    matrix = features.semitone_matrix(SAMPLE_RATE_HZ, HARMONY_FFT_SAMPLES, LOWEST_MIDI, SEMITONES, _HARMONY_BINS)
    blocks = features.waveform_to_power(
        canonical, HARMONY_FFT_SAMPLES, HARMONY_HOP_SAMPLES, _HARMONY_BINS, _HARMONY_BLOCK_FRAMES
    )
    return torch.cat([((power + POWER_FLOOR) @ matrix).sqrt() for power in blocks])


def _harmony(semitones: Tensor, chroma_short: Tensor) -> Tensor:
    chroma = features.semitones_to_chroma(semitones, LOWEST_MIDI)
    cens = features.chroma_to_cens(chroma, CENS_WINDOW_FRAMES)
    thinned = chroma_short[:: HARMONY_HOP_SAMPLES // HOP_SAMPLES]
    return torch.cat([features.chroma_normalised(chroma), cens, features.chroma_to_tonnetz(cens), thinned], 1)


def _onsets(mel_db: Tensor) -> Tensor:
    bands = [mel_db, *(mel_db[:, onset_band(low, high)] for low, high in pairwise(ONSET_EDGES_HZ))]
    return torch.stack([features.decibels_to_onset(band) for band in bands], 1)


def _dynamics(canonical: Tensor) -> Tensor:
    rms = features.waveform_to_rms(canonical, FFT_SAMPLES, HOP_SAMPLES).clamp_min(RMS_FLOOR)
    peak = features.waveform_to_peak(canonical, FFT_SAMPLES, HOP_SAMPLES).clamp_min(RMS_FLOOR)
    return 20 * torch.stack([rms / LEVEL_RMS, peak / rms], 1).log10()
