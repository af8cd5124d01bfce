"""What may happen to a recording without its becoming another: a low-rate file, another level, a shift of pitch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import librosa
import numpy as np
from scipy import signal

from models.audio import decode
from models.encoding import Encoding, encode
from models.evaluate.embedded import Floats
from models.evaluate.system import CLIP_RATE_HZ

VERSION = 1
MP3 = Encoding("mp3", "libmp3lame", "s16p", 48)
LOW_PASS_HZ = 4_000.0
NOISE_SNR_DB = 20.0
QUIETER_DB = -12.0

Change = Callable[[Floats, np.random.Generator], Floats]


@dataclass(frozen=True, slots=True)
class Alteration:
    """One change of a waveform.

    Attributes:
        name: As tables print it.
        change: (T,) mono at CLIP_RATE_HZ → (T',) of the same kind.
    """

    name: str
    change: Change

    @property
    def identity(self) -> str:
        """Changes whenever an altered waveform would sound different."""
        return f"{self.name} v{VERSION}"

    def applied(self, waveform: Floats, seed: str) -> Floats:
        """(T,) → (T',), the same for the same seed."""
        drawn = int.from_bytes(sha256(f"{self.name} {seed}".encode()).digest()[:8], "big")
        return np.asarray(self.change(waveform, np.random.default_rng(drawn)), np.float32)


def as_mp3(waveform: Floats, _: np.random.Generator) -> Floats:
    """Through an mp3 of 44.1 kHz mono at 48 kb/s; the codec's delay of some 25 ms stays."""
    doubled = signal.resample_poly(waveform, 2, 1).astype(np.float32)
    file = encode(doubled[np.newaxis], 2 * CLIP_RATE_HZ, MP3)
    return decode(file, sample_rate_hz=CLIP_RATE_HZ).waveform


def quieter(waveform: Floats, _: np.random.Generator) -> Floats:
    """By QUIETER_DB."""
    return waveform * np.float32(10 ** (QUIETER_DB / 20))


def with_noise(waveform: Floats, generator: np.random.Generator) -> Floats:
    """With white noise NOISE_SNR_DB below the root mean square."""
    level = np.sqrt(np.square(waveform, dtype=np.float64).mean()) * 10 ** (-NOISE_SNR_DB / 20)
    noisy: Floats = waveform + (level * generator.standard_normal(len(waveform))).astype(np.float32)
    return noisy


def muffled(waveform: Floats, _: np.random.Generator) -> Floats:
    """Without what lies above LOW_PASS_HZ: Butterworth of order 8, forwards and backwards."""
    filters = signal.butter(8, LOW_PASS_HZ, fs=CLIP_RATE_HZ, output="sos")
    return np.asarray(signal.sosfiltfilt(filters, waveform, padlen=min(100, len(waveform) - 1)), np.float32)


def transposed(semitones: float) -> Alteration:
    """Higher by so many semitones, at the same tempo (phase vocoder)."""

    def change(waveform: Floats, _: np.random.Generator) -> Floats:
        return np.asarray(librosa.effects.pitch_shift(waveform, sr=CLIP_RATE_HZ, n_steps=semitones))

    return Alteration(f"pitch {semitones:+g} st", change)


def at_tempo(percent: float) -> Alteration:
    """Faster by so many percent, at the same pitch (phase vocoder)."""

    def change(waveform: Floats, _: np.random.Generator) -> Floats:
        return np.asarray(librosa.effects.time_stretch(waveform, rate=1 + percent / 100))

    return Alteration(f"tempo {percent:+g} %", change)


ALTERATIONS: Mapping[str, Alteration] = {
    alteration.name: alteration
    for alteration in (
        Alteration("mp3 48 kb/s", as_mp3),
        Alteration("-12 dB", quieter),
        Alteration("noise 20 dB", with_noise),
        Alteration("low-pass 4 kHz", muffled),
        *(transposed(semitones) for semitones in (-2, -1, 1, 2)),
        *(at_tempo(percent) for percent in (-12, -6, 6, 12)),
    )
}
