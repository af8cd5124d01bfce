"""Estimators of tempo and key as systems: what they say is kept, and compared as points on two circles."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import librosa
import numpy as np
from numpy.typing import NDArray

from models.analysis import PITCH_NAMES, TrackAnalysis, analyse, estimate_key
from models.evaluate.embedded import Doubles, Embedded, Floats
from models.evaluate.system import CLIP_RATE_HZ, Clip, Measured

VERSION = 1
FIFTH = 7
TONICS = 12


class Estimator(Protocol):
    """Tells tempo and key of (T,) mono samples at CLIP_RATE_HZ."""

    def __call__(self, waveform: Floats) -> TrackAnalysis: ...


class EstimatorSystem:
    """Ranks tracks by their estimated tempo and key.

    Tempo is a point on a circle that goes once round from one octave to the next, so that double and half are the
    same; key is its tonic on the circle of fifths. A track without tempo or key is the zero vector there.

    Args:
        name: As tables print it: one of ESTIMATORS.
    """

    learns = False

    def __init__(self, name: str) -> None:
        self._estimate = ESTIMATORS[name]
        self.name = name
        self.identity = f"estimator {name} v{VERSION}"

    def measure(self, clip: Clip) -> Measured:
        found = self._estimate(clip.waveform)
        return {
            "tempo_bpm": np.array(found.tempo_bpm or 0.0),
            "tempo_confidence": np.array(found.tempo_confidence),
            "key": np.array(found.key or ""),
            "key_confidence": np.array(found.key_confidence),
        }

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:  # noqa: ARG002
        tempi = np.array([float(track["tempo_bpm"]) for track in measured])
        keys = [str(track["key"]) for track in measured]
        vectors = np.concatenate([tempo_points(tempi), tonic_points(keys)], 1).astype(np.float32)
        return Embedded(self.name, vectors, {"tempo": slice(0, 2), "key": slice(2, 4)})


def tempo_points(tempi_bpm: Doubles) -> Doubles:
    """(N,) BPM, 0 for none → (N, 2) on the circle of octaves."""
    octaves = np.log2(np.where(tempi_bpm > 0, tempi_bpm, 1.0))
    return _circle(octaves, tempi_bpm > 0)


def tonic_points(keys: Sequence[str]) -> Doubles:
    """Keys such as ``A minor``, empty for none → (N, 2) on the circle of fifths."""
    tonics = [PITCH_NAMES.index(key.split()[0]) if key else 0 for key in keys]
    return _circle(np.array(tonics) * FIFTH / TONICS, np.array([bool(key) for key in keys]))


def _circle(turns: Doubles, known: NDArray[np.bool_]) -> Doubles:
    angles = 2 * np.pi * turns
    points: Doubles = np.stack([np.cos(angles), np.sin(angles)], 1) * known[:, None]
    return points


def analyse_with_librosa(waveform: Floats) -> TrackAnalysis:
    """What one gets from librosa with little work: ``feature.tempo``, and the best key profile on a CQT chroma.

    The profiles are ours: librosa has no key finder. Tuning is taken as 0, since estimating it crashes in some
    versions of numba.
    """
    tempo_bpm = float(librosa.feature.tempo(y=waveform, sr=CLIP_RATE_HZ)[0])
    chroma = librosa.feature.chroma_cqt(y=waveform, sr=CLIP_RATE_HZ, tuning=0.0).mean(1).astype(np.float64)
    key, confidence = estimate_key(chroma)
    return TrackAnalysis(tempo_bpm if np.isfinite(tempo_bpm) else None, 0.0, key, confidence)


ESTIMATORS: Mapping[str, Estimator] = {"soundkin-analysis": analyse, "librosa-analysis": analyse_with_librosa}
