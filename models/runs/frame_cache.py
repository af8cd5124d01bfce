"""The audible frames of tracks, on disk: what mixtures, Gaussians and codebooks learn from."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from models.audible_frames import track_frames
from models.encoder import Floats
from models.errors import AudioUnreadable
from models.runs.tensor_cache import TensorCache
from models.song_frames import FEATURES, VERSION


@dataclass(frozen=True, slots=True)
class FrameCache(TensorCache):
    """A folder of (F, 52) audible frames in half precision."""

    name: ClassVar[str] = "frames"
    columns: ClassVar[tuple[int, ...]] = (FEATURES,)

    @property
    def kind(self) -> str:
        return f"frames{VERSION}"

    def compute(self, waveform: Floats) -> Tensor:
        with torch.inference_mode():
            frames, audible = track_frames(waveform)
        if not audible.any():
            raise AudioUnreadable("It is silent.")
        return frames[audible].half()
