"""Songs of different lengths side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.hdpgmm.quadratic import pack


@dataclass(frozen=True, slots=True, eq=False)
class SongBatch:
    """J songs of up to N frames.

    Attributes:
        packed: (J, N, P) monomials of the whitened frames, zero beyond a song's end.
        there: (J, N) where frames are.
    """

    packed: Tensor
    there: Tensor

    @property
    def frames(self) -> int:
        """Of all songs together."""
        return int(self.there.sum())


def song_batch(songs: Sequence[Tensor]) -> SongBatch:
    """(F, D) whitened frames of each song → a batch; a song may have no frame at all."""
    frames = pad_sequence(list(songs), batch_first=True)
    lengths = torch.tensor([len(song) for song in songs], device=frames.device)
    there = torch.arange(frames.shape[1], device=frames.device) < lengths[:, None]
    packed = pack(frames)
    packed[:, :, 0] = there  # the constant; the other monomials of padding are zero as it is
    return SongBatch(packed, there)
