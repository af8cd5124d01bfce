"""Blocks of fixed length, one after the other, as networks take them.

Axis letters: R rows of a track (frames or samples), L rows of a block, S blocks.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.encoder import Floats


@dataclass(frozen=True, slots=True)
class Blocks:
    """How tracks are cut.

    Attributes:
        length: L.
        hop_samples: From one row to the next.
        least: Rows at the end of a track that get a block of their own, which ends with the track and begins within
            the block before; fewer belong to the block before. (000 drops what is left over.)
        filling: What a row holds beyond the end of a track that is shorter than a block.
    """

    length: int
    hop_samples: int
    least: int
    filling: Tensor | float = 0.0

    def starts(self, rows: int) -> Tensor:
        """(S,) first rows of the blocks of a track."""
        starts = torch.arange(0, max(1, rows - self.length + 1), self.length)
        if rows - self.length - int(starts[-1]) >= self.least:
            starts = torch.cat([starts, starts.new_tensor([rows - self.length])])
        return starts

    def spans_s(self, starts: Tensor, samples: int, rate_hz: int) -> Floats:
        """(S, 2) start and end of such blocks in seconds, of a track of so many samples; they cover it."""
        starts_s = starts.double() * self.hop_samples / rate_hz
        ends_s = (starts_s + self.length * self.hop_samples / rate_hz).clamp_max(samples / rate_hz)
        ends_s[-1] = samples / rate_hz
        return torch.stack([starts_s, ends_s], 1).float().numpy()

    def cut(self, track: Tensor, starts: Tensor) -> Tensor:
        """(R, …) rows of a track → (S, L, …) its blocks from such rows on."""
        if len(track) < self.length:
            filling = torch.as_tensor(self.filling).to(track).expand(self.length - len(track), *track.shape[1:])
            track = torch.cat([track, filling])
        return torch.stack([track[start : start + self.length] for start in starts.tolist()])
