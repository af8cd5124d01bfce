"""Tempo and key of a track, each with a confidence, from the frames that the descriptor shares."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from models import features
from models.encoder import Floats
from models.track_frames import HOP_SAMPLES, LOWEST_MIDI, SAMPLE_RATE_HZ, TrackFrames, shared_track_frames

PITCH_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MIN_TEMPO_BPM = 40.0
MAX_TEMPO_BPM = 240.0
PREFERRED_TEMPO_BPM = 120.0
PREFERENCE_OCTAVES = 0.9
MIN_PULSE = 0.1
"""Below this autocorrelation at the beat there is no pulse to measure."""

MAJOR = (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400)
MINOR = (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330)
"""How often each degree sounds in a key: Temperley's counts in the Kostka-Payne corpus."""

HARMONIC_DECAY = 0.6
KEY_SHARPNESS = 20.0
MIN_CHROMA_CONTRAST = 0.06
"""Deviation of the chroma over its mean: below it there is no tonality to measure (noise has 0.03)."""

_WINDOW_FRAMES = 1_024
_BEATS = (1, 2, 3, 4, 6, 8)
_LAGS = 520
_FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrackAnalysis:
    """What was measured.

    Attributes:
        tempo_bpm: Beats per minute, in [MIN_TEMPO_BPM, MAX_TEMPO_BPM]; ``None`` where there is no pulse.
        tempo_confidence: Autocorrelation of the onset strength at the beat, 0 to 1: how much of what happens comes
            back a beat later.
        key: Such as ``A minor`` or ``F# major``; ``None`` where there is no tonality.
        key_confidence: Probability of the key among all 24, 0 to 1, by a softmax of their correlations.
    """

    tempo_bpm: float | None
    tempo_confidence: float
    key: str | None
    key_confidence: float


def analyse(waveform: Floats) -> TrackAnalysis:
    """Estimate tempo and key of (T,) mono samples at SAMPLE_RATE_HZ."""
    with torch.inference_mode():
        frames = shared_track_frames(waveform)
        if frames.silent:
            return TrackAnalysis(None, 0.0, None, 0.0)
        tempo_bpm, tempo_confidence = estimate_tempo(onset_correlation(frames))
        key, key_confidence = estimate_key(mean_chroma(frames))
    return TrackAnalysis(tempo_bpm, tempo_confidence, key, key_confidence)


def onset_correlation(frames: TrackFrames) -> Doubles:
    """(lags,) autocorrelation of the onset strength, mean over windows of 24 s by their energy; lag 0 is 1."""
    onset = frames.onsets[:, 0]
    length = min(_WINDOW_FRAMES, len(onset))
    windows = onset.unfold(0, length, max(1, length // 2))
    correlation = features.onset_to_autocorrelation(windows, _LAGS).double().numpy()
    energy = windows.var(1, correction=0).double().numpy() + 1e-12
    mean: Doubles = np.average(correlation, axis=0, weights=energy)
    return mean


def estimate_tempo(correlation: Doubles) -> tuple[float | None, float]:
    """Tempo and its confidence from an autocorrelation by lag.

    A tempo is as good as the correlation at its multiples times that at one beat (else the off-beats of a slow
    tempo would pass for beats), weighed by a log-normal preference around 120 BPM, which decides between octaves.
    """
    tempi = tempo_grid()
    at_beats = np.stack([correlation_at(correlation, beats * 60 / tempi) for beats in _BEATS])
    score = np.average(at_beats, axis=0, weights=1 / np.sqrt(_BEATS)) * at_beats[0].clip(0, 1)
    distance = np.log2(tempi / PREFERRED_TEMPO_BPM) / PREFERENCE_OCTAVES
    best = int(np.argmax(score * np.exp(-0.5 * distance**2)))
    near = slice(max(0, best - 4), best + 5)
    pulse = float(np.clip(at_beats[0, near].max(), 0, 1))
    if score[best] <= 0 or pulse < MIN_PULSE:
        return None, 0.0
    return round(float(tempi[best]), 1), round(pulse, 3)


def correlation_at(correlation: Doubles, lag_s: Doubles) -> Doubles:
    """Autocorrelation at any lag, between frames by linear interpolation; 0 beyond the last."""
    lags = np.arange(len(correlation)) / _FRAME_RATE_HZ
    found: Doubles = np.interp(lag_s, lags, correlation, right=0.0)
    return found


def tempo_grid() -> Doubles:
    """Tempi in steps of half a percent."""
    return MIN_TEMPO_BPM * 1.005 ** np.arange(np.log(MAX_TEMPO_BPM / MIN_TEMPO_BPM) / np.log(1.005))


def mean_chroma(frames: TrackFrames) -> Doubles:
    """(12,) mean chroma with the sum 1, C first.

    Loud frames count more, by the root of their strength. The slope of the spectrum is taken out, since the
    semitones of an octave would not be on a par: even noise would have a key. Octaves count by their strength.
    """
    strength = frames.semitones.sum(1, keepdim=True).sqrt().clamp_min(features.TINY)
    profile: Doubles = (frames.semitones / strength).sum(0).double().numpy() + features.TINY
    octave = features.CHROMA_SIZE
    window = np.full(octave + 1, 1 / (octave + 1))
    slope = np.convolve(np.pad(profile, octave // 2, mode="reflect"), window, mode="valid")
    levelled = (profile / slope).reshape(-1, octave) * slope.reshape(-1, octave).mean(1, keepdims=True)
    chroma: Doubles = np.roll(levelled.sum(0), LOWEST_MIDI % octave)  # C first
    chroma /= chroma.sum()
    return chroma


def estimate_key(chroma: Doubles) -> tuple[str | None, float]:
    """Key and its confidence from a mean chroma: the best correlation with the profiles of the 24 keys."""
    if chroma.std() < MIN_CHROMA_CONTRAST * chroma.mean():
        return None, 0.0
    correlation = np.corrcoef(chroma, key_profiles())[0, 1:]
    likelihood = np.exp(KEY_SHARPNESS * (correlation - correlation.max()))
    best = int(correlation.argmax())
    mode, tonic = divmod(best, features.CHROMA_SIZE)
    name = f"{PITCH_NAMES[tonic]} {('major', 'minor')[mode]}"
    return name, round(float(likelihood[best] / likelihood.sum()), 3)


@lru_cache
def key_profiles() -> Doubles:
    """(24, 12) expected chroma of C major … B major, C minor … B minor, with the third partials of all notes."""
    profiles = []
    for degrees in (MAJOR, MINOR):
        notes = np.array(degrees)
        sounding = notes * (1 + HARMONIC_DECAY + HARMONIC_DECAY**3) + np.roll(notes, 7) * HARMONIC_DECAY**2
        profiles += [np.roll(sounding, tonic) for tonic in range(12)]
    return np.array(profiles)
