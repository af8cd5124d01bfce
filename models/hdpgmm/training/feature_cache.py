"""What the mixture learns from, on disk."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.encoder import Floats
from models.errors import AudioUnreadable
from models.hdpgmm.track_frames import track_frames
from models.runs.feature_cache import FeatureCache
from models.song_frames import FEATURES, VERSION

FRAMES = "frames"


@dataclass(frozen=True, slots=True)
class FrameCache(FeatureCache[Tensor]):
    """A folder of (F, 52) audible frames in half precision."""

    @property
    def kind(self) -> str:
        return f"frames{VERSION}"

    def compute(self, waveform: Floats) -> Tensor:
        with torch.inference_mode():
            frames, audible = track_frames(waveform)
        if not audible.any():
            raise AudioUnreadable("It is silent.")
        return frames[audible].half()

    def tensors(self, features: Tensor) -> Mapping[str, Tensor]:
        return {FRAMES: features}

    def features(self, tensors: Mapping[str, Tensor]) -> Tensor:
        frames = tensors.get(FRAMES)
        if frames is None or frames.dtype != torch.float16 or frames.ndim != 2 or frames.shape[1] != FEATURES:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"it holds no (F, {FEATURES}) frames in half precision")
        if not len(frames) or not frames.isfinite().all():
            raise ValueError("its frames are none, or no numbers")
        return frames
