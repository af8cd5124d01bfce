"""What is kept of a track for the network: compact enough for a cache on disk, and cut into segments later.

Letters: F frames of HOP_SAMPLES, M mel bands, S segments, C columns of tempogram and CENS, W frames of a context.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.csn.inputs import (
    HOP_SAMPLES,
    SAMPLE_RATE_HZ,
    SEGMENT_FRAMES,
    TEMPOGRAM_LAGS,
    waveform_to_cens,
    waveform_to_mel_and_onset,
)
from models.csn.settings import NetworkSettings
from models.encoder import Floats
from models.features import ramped
from models.track_frames import canonicalise

MEL_STEP = 0.01
"""Of log10(1 + 10 · mel) as it is kept; a sixth of a tenth of its deviation over music."""

CENS_STEP = 1 / 255
MIN_LAST_FRAMES = 43
"""A second: what is left over at the end of a track and is shorter gets no segment of its own."""

SEGMENT_S = SEGMENT_FRAMES * HOP_SAMPLES / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class TrackFeatures:
    """A whole track, frame by frame.

    Attributes:
        mel: (F, M) uint8, log10(1 + 10 · mel) in steps of MEL_STEP.
        onset: (F,) float16 onset strength in dB.
        cens: (F, 12) uint8, in steps of CENS_STEP.
    """

    mel: Tensor
    onset: Tensor
    cens: Tensor

    def __len__(self) -> int:
        return len(self.onset)


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Segments of one or several tracks, before the tempogram is computed.

    Attributes:
        mel: (S, M, SEGMENT_FRAMES) log10(1 + 10 · mel).
        onset: (S, W + TEMPOGRAM_LAGS - 1) onset strength around the columns.
        cens: (S, 12, C).
    """

    mel: Tensor
    onset: Tensor
    cens: Tensor


def waveform_to_features(waveform: Floats) -> TrackFeatures:
    """(T,) mono at SAMPLE_RATE_HZ, T ≥ 1 → its features, after it was made canonical (``models.track_frames``)."""
    canonical = torch.from_numpy(canonicalise(waveform))
    mel, onset = waveform_to_mel_and_onset(canonical)
    return TrackFeatures(
        mel=(mel / MEL_STEP).round().clamp(0, 255).to(torch.uint8),
        onset=onset.to(torch.float16),
        cens=(waveform_to_cens(canonical).T / CENS_STEP).round().to(torch.uint8),
    )


def segment_starts(frames: int) -> Tensor:
    """(S,) first frames of the segments of a track, one after the other; the last one ends with the track."""
    starts = torch.arange(0, max(1, frames - SEGMENT_FRAMES + 1), SEGMENT_FRAMES)
    left_over = frames - SEGMENT_FRAMES - int(starts[-1])
    if left_over >= MIN_LAST_FRAMES:
        starts = torch.cat([starts, starts.new_tensor([frames - SEGMENT_FRAMES])])
    return starts


def column_offsets(settings: NetworkSettings) -> Tensor:
    """(C,) frames of the columns, relative to the first."""
    return (torch.arange(settings.columns) * (settings.context_frames / settings.columns)).long()


def context_frames(settings: NetworkSettings) -> int:
    """Frames of onset strength that a segment takes: those of its columns, and a window around each."""
    return int(column_offsets(settings)[-1]) + TEMPOGRAM_LAGS


def cut(features: TrackFeatures, starts: Tensor, settings: NetworkSettings, stretch: float = 1.0) -> Segments:
    """Cut (S,) segments out of a track; what lies beyond its ends is zero.

    Args:
        features: Of the track.
        starts: First frames of the segments.
        settings: Of the network.
        stretch: The tempo that the onset strength shall have, relative to the track's.
    """
    offsets = column_offsets(settings)
    span = int(offsets[-1]) + 1
    first = starts + (SEGMENT_FRAMES - span) // 2
    mel = _rows(features.mel, starts[:, None] + torch.arange(SEGMENT_FRAMES))
    cens = _rows(features.cens, first[:, None] + offsets)
    return Segments(
        mel=mel.transpose(1, 2).float() * MEL_STEP,
        onset=_stretched(features.onset.float(), first, context_frames(settings), stretch),
        cens=cens.transpose(1, 2).float() * CENS_STEP,
    )


def join(parts: list[Segments]) -> Segments:
    """Segments of several tracks as one batch."""
    return Segments(
        mel=torch.cat([part.mel for part in parts]),
        onset=torch.cat([part.onset for part in parts]),
        cens=torch.cat([part.cens for part in parts]),
    )


def _rows(rows: Tensor, positions: Tensor) -> Tensor:
    """(F, …) at (S, K) positions → (S, K, …), zero beyond both ends."""
    inside = (positions >= 0) & (positions < len(rows))
    found = rows[positions.clamp(0, len(rows) - 1)]
    return found * inside.view(*inside.shape, *[1] * (rows.dim() - 1))


def _stretched(onset: Tensor, first: Tensor, length: int, stretch: float) -> Tensor:
    """(F,) → (S, length) around columns from (S,) frames on, read ``stretch`` times as fast and interpolated.

    Beyond both ends it falls to 0 as a straight line, as for librosa's tempogram.
    """
    padded = ramped(onset, TEMPOGRAM_LAGS // 2)
    middle = length // 2
    positions = first[:, None] + middle + (torch.arange(length) - middle) * stretch
    below = positions.floor().long()
    share = positions - below
    return _rows(padded, below) * (1 - share) + _rows(padded, below + 1) * share
