"""What the encoder ``lstm`` hears: sections of a chromagram (paper 004, 4.2).

Axis letters: T samples, F frames, S sections, L frames of a section, C pitch classes.
"""

import torch
from torch import Tensor

from models import features
from models.encoder import Floats
from models.features import CHROMA_SIZE
from models.track_frames import FFT_SAMPLES, HOP_SAMPLES, POWER_FLOOR, SAMPLE_RATE_HZ

SECTION_FRAMES = 1_000
"""23.2 s."""

VERSION = 1
"""Raised whenever the same waveform would be heard otherwise."""

_BINS = FFT_SAMPLES // 2 + 1


def chromagram(canonical: Floats) -> Tensor:
    """(T,) canonical mono at SAMPLE_RATE_HZ → (F, C) power of the pitch classes, C first; F = ⌈T / HOP_SAMPLES⌉.

    Of each frame the largest is 1, as librosa's ``chroma_stft`` has it at A = 440 Hz. Frames below a floor that is
    below everything audible are less than 1, down to 0: librosa makes 1 of whatever is left of a sound there.
    """
    matrix = features.chroma_matrix(SAMPLE_RATE_HZ, FFT_SAMPLES, _BINS)
    floor = POWER_FLOOR * float(matrix.sum(0).max())
    blocks = features.waveform_to_power(torch.from_numpy(canonical), FFT_SAMPLES, HOP_SAMPLES, _BINS)
    power = torch.cat([block @ matrix for block in blocks])[: -(-len(canonical) // HOP_SAMPLES)]
    return power / power.amax(1, keepdim=True).clamp_min(floor)


def to_sections(chroma: Tensor) -> Tensor:
    """(F, C) → (S, L, C + 1) sections one after the other; the last is filled up with zeros.

    The last column is 1 in the frames of the track and 0 in those that were filled in.
    """
    rows = torch.nn.functional.pad(chroma, (0, 1), value=1.0)
    count = -(-len(rows) // SECTION_FRAMES)
    filled = torch.nn.functional.pad(rows, (0, 0, 0, count * SECTION_FRAMES - len(rows)))
    return filled.view(count, SECTION_FRAMES, CHROMA_SIZE + 1)


def from_sections(sections: Tensor) -> tuple[Tensor, Tensor]:
    """(S, L, C + 1) sections → (S, L, C) frames, and (S,) how many of them are of the track, from the first on."""
    return sections[..., :-1], sections[..., -1].sum(1).long()


def audible_frames(frames: Tensor) -> Tensor:
    """(S, L, C) → (S,) how many of them are above the floor."""
    return (frames.amax(2) >= 1).sum(1)


def spans_s(sections: int, samples: int) -> Floats:
    """(S, 2) start and end in seconds of the sections of a track of so many samples."""
    edges_s = torch.arange(sections + 1).double() * SECTION_FRAMES * HOP_SAMPLES / SAMPLE_RATE_HZ
    edges_s[-1] = samples / SAMPLE_RATE_HZ
    return torch.stack([edges_s[:-1], edges_s[1:]], 1).float().numpy()
