"""The three inputs of the conditional similarity network (paper 001), of a whole track and on one frame grid.

A segment is SEGMENT_FRAMES neighbouring frames of all three. A tempogram looks further than a segment is long, so
the inputs are those of the whole track, and are cut afterwards. They are librosa's, in torch, and are held against
it in ``tests/reference``; chroma is taken at A = 440 Hz, without an estimate of the tuning.

Axis letters: T samples, F frames, M mel bands.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models import features
from models.cqt import cqt_to_chroma, waveform_to_cqt

SAMPLE_RATE_HZ = 22_050
HOP_SAMPLES = 512
FFT_SAMPLES = 1_024
SEGMENT_FRAMES = 129
MEL_BANDS = 128
TEMPOGRAM_LAGS = 384
CHROMA_SIZE = features.CHROMA_SIZE
VERSION = 1
"""Raised whenever the same waveform would give other inputs."""

MEL_GAIN = 10.0
MEL_MEAN = 0.2
MEL_SD = 0.25
CENS_WINDOW_FRAMES = 41
TOP_DB = 80.0
_BINS = FFT_SAMPLES // 2 + 1
_ONSET_DELAY_FRAMES = FFT_SAMPLES // (2 * HOP_SAMPLES)


@dataclass(frozen=True, slots=True, eq=False)
class TrackInputs:
    """What the network sees of a track.

    Attributes:
        mel: (128, F) log10(1 + 10 · mel of the magnitude), less MEL_MEAN, by MEL_SD.
        tempogram: (384, F) autocorrelation of the onset strength by lag in frames; lag 0 is 1.
        cens: (12, F) chroma energy normalised statistics, C first; each frame's norm is 1.
    """

    mel: Tensor
    tempogram: Tensor
    cens: Tensor


def waveform_to_inputs(waveform: Tensor) -> TrackInputs:
    """(T,) mono at SAMPLE_RATE_HZ, at least one sample → inputs on its device; F = 1 + T // HOP_SAMPLES."""
    mel, onset = waveform_to_mel_and_onset(waveform)
    return TrackInputs(
        mel=standardised(mel).T.contiguous(),
        tempogram=features.onset_to_tempogram(onset, TEMPOGRAM_LAGS),
        cens=waveform_to_cens(waveform),
    )


def waveform_to_mel_and_onset(waveform: Tensor) -> tuple[Tensor, Tensor]:
    """(T,) → (F, M) log10(1 + 10 · mel of the magnitude) (Lee et al. 2020), and (F,) onset strength in dB.

    The latter is ``librosa.onset.onset_strength``.
    """
    magnitude, power = _mels(waveform)
    decibels = features.mel_to_decibels(power, features.TINY)
    decibels = decibels.clamp_min(decibels.max() - TOP_DB)
    onset = features.delayed(features.decibels_to_onset(decibels), _ONSET_DELAY_FRAMES)
    return torch.log10(1 + MEL_GAIN * magnitude), onset


def standardised(mel: Tensor) -> Tensor:
    """The same, with the mean and deviation that paper 003's authors fixed."""
    return (mel - MEL_MEAN) / MEL_SD


def waveform_to_cens(waveform: Tensor) -> Tensor:
    """(T,) → (12, F) ``librosa.feature.chroma_cens``, from a constant-Q transform."""
    chroma = cqt_to_chroma(waveform_to_cqt(waveform, SAMPLE_RATE_HZ, HOP_SAMPLES))
    return features.chroma_to_cens(chroma, CENS_WINDOW_FRAMES).T.contiguous()


def _mels(waveform: Tensor) -> tuple[Tensor, Tensor]:
    """(T,) → mel of the magnitude and mel of the power, both (F, M)."""
    matrix = features.mel_matrix(SAMPLE_RATE_HZ, FFT_SAMPLES, MEL_BANDS, SAMPLE_RATE_HZ / 2, _BINS).to(waveform)
    blocks = features.waveform_to_power(waveform, FFT_SAMPLES, HOP_SAMPLES, _BINS)
    magnitudes, powers = zip(*((power.sqrt() @ matrix, power @ matrix) for power in blocks), strict=True)
    return torch.cat(magnitudes), torch.cat(powers)
