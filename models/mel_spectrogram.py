"""Mel spectrograms in dB of canonical waveforms, as networks take them.

Axis letters: T samples, F frames, M mel bands.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models import features
from models.track_frames import BAND_LIMIT_HZ, POWER_FLOOR, SAMPLE_RATE_HZ

AUDIBLE_DB = 3.0
"""Above what silence has: where no band is louder, nothing is heard."""


@dataclass(frozen=True, slots=True)
class MelSpectrogram:
    """How a spectrogram is taken.

    The bands end where the canonical waveform does, and a floor below everything audible takes the place of 80 dB
    below the track's maximum, so that a frame is the same whatever else the track holds.

    Attributes:
        fft_samples: Of a frame.
        hop_samples: From one frame to the next.
        bands: M.
    """

    fft_samples: int
    hop_samples: int
    bands: int

    def decibels(self, canonical: Tensor) -> Tensor:
        """(T,) canonical mono at SAMPLE_RATE_HZ → (F, M) mel power in dB; F = 1 + T // hop_samples."""
        matrix = self._matrix()
        blocks = features.waveform_to_power(canonical, self.fft_samples, self.hop_samples, self._bins)
        mel = torch.cat([(power + POWER_FLOOR) @ matrix for power in blocks])
        return features.mel_to_decibels(mel, features.TINY)

    def silence_decibels(self) -> Tensor:
        """(M,) what silence has in each band."""
        return features.mel_to_decibels(torch.full((1, self._bins), POWER_FLOOR) @ self._matrix(), features.TINY)[0]

    def audible(self, decibels: Tensor) -> Tensor:
        """(…, M) → (…) whether a frame is not silent."""
        return (decibels - self.silence_decibels().to(decibels)).amax(-1) > AUDIBLE_DB

    @property
    def _bins(self) -> int:
        return self.fft_samples // 2 + 1

    def _matrix(self) -> Tensor:
        return features.mel_matrix(SAMPLE_RATE_HZ, self.fft_samples, self.bands, BAND_LIMIT_HZ, self._bins)
