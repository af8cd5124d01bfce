"""Frames to statistics: one row of numbers per segment of a track, by musical facet.

The statistics are those of Devaux (paper 004) and of FMA: mean, standard deviation, skewness, kurtosis, median,
minimum and maximum of every feature. They are taken over segments of one fixed length, since extremes and
higher moments depend on how much one looks at; a whole track is the mean of its segments.

Axis letters: S segments, F frames in a segment, R features, P statistics.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from models import features
from models.encoder import Floats
from models.track_frames import HARMONY_HOP_SAMPLES, HOP_SAMPLES, SAMPLE_RATE_HZ, TrackFrames

SEGMENT_FRAMES = 432
SEGMENT_HOP_FRAMES = 216
LAG_EDGES_S = np.geomspace(0.1, 4.0, 61)
MODULATION_EDGES_HZ = np.geomspace(0.4, 16.0, 25)
LEVEL_LAGS_FRAMES = (4, 43)
QUIET_DB = -50.0
"""A segment whose mean level lies below it, relative to the track's, is silent."""

STILL_ONSET = 1e-3
"""Standard deviation, in dB, of an onset envelope in which nothing happens."""

FACETS = {"timbre": 217, "harmony": 366, "rhythm": 455, "dynamics": 28}
"""P of each facet, in the order in which they stand in a row."""

_RATIO = HARMONY_HOP_SAMPLES // HOP_SAMPLES
_FRAME_RATE_HZ = SAMPLE_RATE_HZ / HOP_SAMPLES
_LAGS = 190
_MODULATION_FFT_FRAMES = 1_024
_TINY = 1e-6


def segment_starts(frames: int) -> list[int]:
    """First frame of each segment: every SEGMENT_HOP_FRAMES, the last one reaching the end of the track.

    All are multiples of the ratio of the two hops, so that a segment begins with a harmony frame.
    """
    if frames <= SEGMENT_FRAMES:
        return [0]
    starts = list(range(0, frames - SEGMENT_FRAMES + 1, SEGMENT_HOP_FRAMES))
    last = -(-(frames - SEGMENT_FRAMES) // _RATIO) * _RATIO
    return starts if starts[-1] == last else [*starts, last]


def segment_spans_s(frames: int, duration_s: float) -> Floats:
    """(S, 2) start and end in seconds of each segment."""
    start = np.array(segment_starts(frames)) / _FRAME_RATE_HZ
    end = np.minimum(start + SEGMENT_FRAMES / _FRAME_RATE_HZ, duration_s)
    end[-1] = duration_s
    return np.stack([start, end], 1).astype(np.float32)


def frames_to_rows(frames: TrackFrames) -> Tensor:
    """A track → (S, P) statistics, the facets side by side; NaN in a facet that does not apply to a segment."""
    starts = torch.tensor(segment_starts(len(frames.timbre)))
    short = _segment_index(starts, SEGMENT_FRAMES, len(frames.timbre))
    long = _segment_index(starts // _RATIO, SEGMENT_FRAMES // _RATIO, len(frames.harmony))
    pitches = _pitch_profile(frames.semitones)[long].mean(1)
    facets = {
        "timbre": seven_statistics(frames.timbre[short]),
        "harmony": torch.cat([seven_statistics(frames.harmony[long]), pitches], 1),
        "rhythm": _rhythm(frames.onsets[short]),
        "dynamics": seven_statistics(_with_level_changes(frames.dynamics)[short]),
    }
    quiet = (frames.dynamics[short, 0].mean(1) < QUIET_DB) | frames.silent
    still = frames.onsets[short, 0].std(1, correction=0) < STILL_ONSET
    facets["rhythm"][still] = torch.nan
    rows = torch.cat([facets[name] for name in FACETS], 1)
    rows[quiet] = torch.nan
    return rows


def seven_statistics(values: Tensor) -> Tensor:
    """(S, F, R) → (S, 7 R): mean, deviation, skewness, kurtosis, median, minimum, maximum of each feature.

    Kurtosis is Pearson's (3 for a normal distribution); what never changes has skewness and kurtosis 0.
    """
    mean = values.mean(1)
    centred = values - mean[:, None]
    deviation = centred.square().mean(1).sqrt()
    score = centred / deviation[:, None].clamp_min(_TINY)
    moments = [mean, deviation, score.pow(3).mean(1), score.pow(4).mean(1)]
    order = [values.median(1).values, values.amin(1), values.amax(1)]
    return torch.stack([*moments, *order], -1).flatten(1)


def _segment_index(starts: Tensor, length: int, frames: int) -> Tensor:
    """(S, F) frames of each segment; F is ``length``, or the whole of a shorter track."""
    index: Tensor = starts[:, None] + torch.arange(min(length, frames))
    return index.clamp_max(frames - 1)


def _pitch_profile(semitones: Tensor) -> Tensor:
    """(G, semitones) magnitudes → on a logarithmic scale below the strongest of the track."""
    return torch.log1p(100 * semitones / semitones.amax().clamp_min(_TINY))


def _with_level_changes(dynamics: Tensor) -> Tensor:
    """(F, 2) → (F, 4): beside level and crest how much the level has changed after about 0.1 s and 1 s, in dB."""
    level = dynamics[:, 0]
    changes = []
    for lag in LEVEL_LAGS_FRAMES:
        change = (level[lag:] - level[:-lag]).abs()
        changes.append(torch.nn.functional.pad(change, (0, len(level) - len(change))))
    return torch.cat([dynamics, torch.stack(changes, 1)], 1)


def _rhythm(onsets: Tensor) -> Tensor:
    """(S, F, 5) onset envelopes → (S, P): their statistics, autocorrelation by lag and fluctuation by frequency."""
    segments, frames, bands = onsets.shape
    envelopes = onsets.transpose(1, 2).reshape(segments * bands, frames)
    correlation = features.onset_to_autocorrelation(envelopes, _LAGS) @ _lag_matrix()
    power = features.onset_to_modulation(envelopes, _MODULATION_FFT_FRAMES)
    share = power / power.sum(1, keepdim=True).clamp_min(_TINY)
    fluctuation = (share @ _modulation_matrix() + 1e-5).log()
    by_envelope = torch.cat([correlation, fluctuation], 1).reshape(segments, -1)
    return torch.cat([seven_statistics(onsets), by_envelope], 1)


@lru_cache
def _lag_matrix() -> Tensor:
    """(lags, 60) triangles over the lags between LAG_EDGES_S, each with the sum 1."""
    lags = np.arange(_LAGS)[:, None] / _FRAME_RATE_HZ
    centre = np.sqrt(LAG_EDGES_S[1:] * LAG_EDGES_S[:-1])
    width = np.maximum(LAG_EDGES_S[1:] - centre, 1 / _FRAME_RATE_HZ)
    weights = np.clip(1 - np.abs(lags - centre) / width, 0, None)
    return torch.from_numpy((weights / weights.sum(0)).astype(np.float32))


@lru_cache
def _modulation_matrix() -> Tensor:
    """(frequencies, 24) mean over the frequencies between MODULATION_EDGES_HZ."""
    frequencies = np.fft.rfftfreq(_MODULATION_FFT_FRAMES, 1 / _FRAME_RATE_HZ)[:, None]
    inside = (frequencies >= MODULATION_EDGES_HZ[:-1]) & (frequencies < MODULATION_EDGES_HZ[1:])
    return torch.from_numpy((inside / inside.sum(0)).astype(np.float32))
