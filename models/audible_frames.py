"""The frames of a track as encoders of single frames hear them: of the canonical waveform, and which are audible.

Axis letters: T samples, F frames, D numbers of a frame, B segments of one or several tracks, N frames of a segment.
"""

import numpy as np
import torch
from torch import Tensor

from models.encoder import Floats, Prepared
from models.song_frames import FFT_SAMPLES, HOP_SAMPLES, SAMPLE_RATE_HZ, song_frames
from models.track_frames import LEVEL_RMS, canonicalise

AUDIBLE = 1e-3
"""Of the level of the track: frames 60 dB below it are pauses."""

SEGMENT_FRAMES = 129
"""Three seconds."""


def track_frames(waveform: Floats) -> tuple[Tensor, Tensor]:
    """(T,) mono samples at SAMPLE_RATE_HZ → (F, 52) frames, and (F,) whether they are audible; F = ⌈T / hop⌉.

    Paper 000 takes the waveform as it is. Level and bandwidth are made alike here, as for all encoders: else a
    quieter copy would be another song.

    Raises:
        WaveformTooShort: Fewer samples than nine frames.
    """
    canonical = canonicalise(waveform)
    count = -(-len(waveform) // HOP_SAMPLES)
    return song_frames(canonical)[:count], (_levels(canonical) > AUDIBLE * LEVEL_RMS)[:count]


def to_segments(frames: Tensor, audible: Tensor, samples: int) -> Prepared:
    """(F, D) frames and (F,) whether they are audible → segments one after the other, as rows of N · (D + 1).

    The last segment is filled up with frames that are not audible.

    Args:
        frames: Of the track.
        audible: Likewise.
        samples: T, of the track.
    """
    rows = torch.cat([frames, audible[:, None].to(frames.dtype)], 1)
    starts = torch.arange(0, len(rows), SEGMENT_FRAMES)
    rows = torch.nn.functional.pad(rows, (0, 0, 0, len(starts) * SEGMENT_FRAMES - len(rows)))
    starts_s = starts.double() * HOP_SAMPLES / SAMPLE_RATE_HZ
    ends_s = torch.cat([starts_s[1:], starts_s.new_tensor([samples / SAMPLE_RATE_HZ])])
    return Prepared(rows.view(len(starts), -1), torch.stack([starts_s, ends_s], 1).float().numpy())


def from_segments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Rows of ``to_segments`` → (B, N, D) frames, and (B, N) 1 where they are audible, else 0."""
    frames = rows.view(len(rows), SEGMENT_FRAMES, -1)
    return frames[:, :, :-1], frames[:, :, -1]


def _levels(waveform: Floats) -> Tensor:
    """(F,) root mean square around each frame."""
    power = torch.from_numpy(np.square(waveform))[None]
    half = FFT_SAMPLES // 2
    padded = torch.nn.functional.pad(power, (half, half))
    return torch.nn.functional.avg_pool1d(padded, FFT_SAMPLES, HOP_SAMPLES)[0].sqrt()
