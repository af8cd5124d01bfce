"""What lies between instruments and file, applied: room, equaliser, drive, noise, band limits, level.

SciPy's filters and a few spectra do it. Audiomentations was weighed and is not needed: its rooms want
pyroomacoustics, and it draws from global generators, while here every value is drawn beforehand and recorded.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from models.rendering.recording import Noise, Recording, Room
from models.rendering.synthesis import RATE_HZ, Samples

PIVOT_HZ = 1_000.0
LOWEST_HZ = 20.0
PEAK_LIMIT = 0.9
"""−0.9 dB: what a lossy codec adds to the peaks stays below full scale most of the time."""
FADE_S = 0.01
BUTTERWORTH_ORDER = 4
HUM_HZ = (50, 60)
HUM_HARMONICS = 6

Doubles = NDArray[np.float64]


def record(sound: Samples, recording: Recording, brightness_db_per_octave: float = 0.0) -> Samples:
    """Take (2, T) samples of any level through a recording.

    Args:
        sound: At RATE_HZ, not silent.
        recording: What was drawn.
        brightness_db_per_octave: Slope added to the equaliser, for instruments that are played louder or softer.

    Returns:
        (channels, T), its peak at most PEAK_LIMIT.
    """
    generator = np.random.default_rng(recording.seed)
    sound = sound if recording.channels > 1 else sound.mean(0, keepdims=True)
    sound = equalised(in_room(sound, recording.room, generator), recording, brightness_db_per_octave)
    sound = driven(sound / np.abs(sound).max(), recording.drive_db)
    sound += noise(recording.noise, sound.shape, generator) * (np.abs(sound).max() * amplitude(recording.noise_db))
    return _levelled(_faded(band_limited(sound, recording)), recording.level_db)


def in_room(sound: Samples, room: Room | None, generator: np.random.Generator) -> Samples:
    """(channels, T) samples in a room, each channel with reflections of its own; T stays."""
    if room is None:
        return sound
    response = impulse_response(room, len(sound), generator)
    wet: Samples = signal.oaconvolve(sound, response, axes=-1)[:, : sound.shape[-1]].astype(np.float32)
    return wet


def impulse_response(room: Room, channels: int, generator: np.random.Generator) -> Doubles:
    """(channels, T) a direct sound of 1, then noise that dies away exponentially (Moorer 1979).

    It has the energy ``wet_db`` over the direct sound's and falls by 60 dB in ``rt60_s``.
    """
    times = np.arange(round(room.rt60_s * RATE_HZ)) / RATE_HZ
    tail = generator.normal(size=(channels, len(times))) * 10 ** (-3 * times / room.rt60_s)
    tail = signal.lfilter(*signal.butter(1, room.damping_hz, fs=RATE_HZ), tail)
    tail *= amplitude(room.wet_db) / np.sqrt((tail**2).sum(-1, keepdims=True))
    delay = 1 + round(room.predelay_s * RATE_HZ)
    direct = np.zeros((channels, delay))
    direct[:, 0] = 1
    return np.concatenate([direct, tail], axis=-1)


def equalised(sound: Samples, recording: Recording, brightness_db_per_octave: float) -> Samples:
    """(channels, T) samples through tilt and bells, without a phase of their own."""
    length = fft.next_fast_len(sound.shape[-1] + RATE_HZ // 10, real=True)
    octaves = np.log2(np.maximum(fft.rfftfreq(length, 1 / RATE_HZ), LOWEST_HZ) / PIVOT_HZ)
    gain_db = (recording.tilt_db_per_octave + brightness_db_per_octave) * octaves
    for peak in recording.peaks:
        distance = (octaves - np.log2(peak.centre_hz / PIVOT_HZ)) / peak.width_octaves
        gain_db = gain_db + peak.gain_db * np.exp(-0.5 * distance**2)
    spectrum = fft.rfft(sound, length) * amplitude(gain_db).astype(np.float32)
    filtered: Samples = fft.irfft(spectrum, length)[:, : sound.shape[-1]].astype(np.float32)
    return filtered


def driven(sound: Samples, drive_db: float) -> Samples:
    """Samples in [−1, 1] into a soft limiter, which returns ±1 for ±1."""
    if drive_db == 0:
        return sound
    drive = amplitude(drive_db)
    limited: Samples = (np.tanh(drive * sound) / np.tanh(drive)).astype(np.float32)
    return limited


def noise(kind: Noise, shape: tuple[int, ...], generator: np.random.Generator) -> Samples:
    """(channels, T) noise with an RMS of 1."""
    if kind == "hum":
        return _hum(shape, generator)
    white = generator.standard_normal(shape, np.float32)
    if kind == "white":
        return white
    spectrum = fft.rfft(white)
    spectrum /= np.sqrt(np.maximum(fft.rfftfreq(shape[-1], 1 / RATE_HZ), LOWEST_HZ)).astype(np.float32)
    pink: Samples = fft.irfft(spectrum, shape[-1])
    pink /= np.sqrt((pink**2).mean())
    return pink


def band_limited(sound: Samples, recording: Recording) -> Samples:
    """(channels, T) samples between the corners of the band."""
    low, high = recording.low_cut_hz, recording.high_cut_hz
    band, kind = (low, "highpass") if high is None else ((low, high), "bandpass")
    sections = signal.butter(BUTTERWORTH_ORDER, band, kind, fs=RATE_HZ, output="sos")
    limited: Samples = signal.sosfilt(sections, sound).astype(np.float32)
    return limited


def amplitude(level_db: float | Doubles) -> Doubles:
    """A ratio of amplitudes from decibels."""
    return np.asarray(10 ** (np.asarray(level_db) / 20))


def _hum(shape: tuple[int, ...], generator: np.random.Generator) -> Samples:
    """The mains and its harmonics, the same in all channels."""
    times = np.arange(shape[-1]) / RATE_HZ
    mains_hz = generator.choice(HUM_HZ)
    hum = np.zeros(shape, np.float32)
    for harmonic in range(1, HUM_HARMONICS + 1):
        hum += np.sin(2 * np.pi * (harmonic * mains_hz * times + generator.random())) / harmonic
    normalised: Samples = hum / np.sqrt((hum**2).mean())
    return normalised


def _faded(sound: Samples) -> Samples:
    """Ends without a click."""
    ramp = np.linspace(0, 1, round(FADE_S * RATE_HZ), dtype=np.float32)
    sound[:, : len(ramp)] *= ramp
    sound[:, -len(ramp) :] *= ramp[::-1]
    return sound


def _levelled(sound: Samples, level_db: float) -> Samples:
    wanted = float(amplitude(level_db) / np.sqrt((sound**2).mean()))
    most = float(PEAK_LIMIT / np.abs(sound).max())
    return sound * np.float32(min(wanted, most))
