"""The shortcut baselines: what can be told of a track without a note of its music.

A task that they solve says little about music. ``file-facts`` is how far the files give themselves away;
``clip-facts`` is what of that is left in the clip that systems hear.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from models.audio import decode
from models.evaluate.embedded import Embedded, Floats
from models.evaluate.system import CLIP_RATE_HZ, Clip, Measured
from models.evaluate.systems.standardised import standardised
from models.standardisation import Doubles

FILE_RATE_HZ = 44_100
SILENCE_LUFS = -70.0
CUTOFF_DB = 60.0
"""Below the loudest band: the bandwidth ends where the mean spectrum stays under it."""

FLOOR_QUANTILE = 0.02
FFT_SAMPLES = 2_048
FRAME_SAMPLES = 2_048
VERSION = 1
_TINY = 1e-12


class FileFactsSystem:
    """Loudness, sample rate, channels, codec, bit rate, duration and bandwidth of the file, standardised."""

    name = "file-facts"
    identity = f"file facts v{VERSION}"
    learns = True

    def measure(self, clip: Clip) -> Measured:
        with clip.track.path.open("rb") as file:
            audio = decode(file, sample_rate_hz=FILE_RATE_HZ)
        bits_per_s = 8 * clip.track.path.stat().st_size / audio.duration_s
        cutoff = cutoff_hz(mean_spectrum(audio.waveform), FILE_RATE_HZ)
        facts = [
            audio.loudness_lufs or SILENCE_LUFS,
            float(audio.channels),
            *np.log2([audio.sample_rate_hz, bits_per_s, audio.duration_s, cutoff]),
        ]
        return {"facts": np.array(facts), "codec": np.array(audio.codec)}

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:
        facts = np.stack([track["facts"] for track in measured]).astype(np.float64)
        codecs = np.array([str(track["codec"]) for track in measured])
        one_hot = (codecs[:, None] == np.unique(codecs)).astype(np.float64)
        return Embedded(self.name, standardised(np.concatenate([facts, one_hot], 1), training))


class ClipFactsSystem:
    """Length, level, peak, bandwidth and noise floor of the clip, standardised.

    Peak and floor belong to the music as much as to the file: what this finds is the most that may be a shortcut.
    """

    name = "clip-facts"
    identity = f"clip facts v{VERSION}"
    learns = True

    def measure(self, clip: Clip) -> Measured:
        waveform = clip.waveform
        power = np.square(waveform, dtype=np.float64)
        facts = [
            np.log2(len(waveform) / CLIP_RATE_HZ),
            _decibels(power.mean()),
            _decibels(power.max()),
            np.log2(cutoff_hz(mean_spectrum(waveform), CLIP_RATE_HZ)),
            _decibels(float(np.quantile(_frame_power(waveform), FLOOR_QUANTILE))),
        ]
        return {"facts": np.array(facts)}

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:
        facts = np.stack([track["facts"] for track in measured]).astype(np.float64)
        return Embedded(self.name, standardised(facts, training))


def cutoff_hz(spectrum: Doubles, sample_rate_hz: int) -> float:
    """(K,) mean power from 0 Hz → the highest frequency that lies within CUTOFF_DB of the loudest."""
    loud = np.flatnonzero(spectrum >= max(spectrum.max() * 10 ** (-CUTOFF_DB / 10), _TINY))
    bin_hz = sample_rate_hz / 2 / (len(spectrum) - 1)
    return bin_hz * max(1, int(loud[-1]) if len(loud) else 0)


def mean_spectrum(waveform: Floats) -> Doubles:
    """(T,) → (K,) mean power spectrum."""
    _, power = signal.welch(waveform, nperseg=min(FFT_SAMPLES, len(waveform)), noverlap=0, detrend=False)
    return np.asarray(power, np.float64)


def _frame_power(waveform: Floats) -> Doubles:
    """(T,) → mean power of each FRAME_SAMPLES samples, a last few left out."""
    count = max(1, len(waveform) // FRAME_SAMPLES)
    frames = np.array_split(np.square(waveform[: count * FRAME_SAMPLES], dtype=np.float64), count)
    return np.array([frame.mean() for frame in frames])


def _decibels(power: float) -> float:
    return float(10 * np.log10(max(power, _TINY)))
