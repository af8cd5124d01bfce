"""What the mixture learns from, on disk."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.encoder import Floats
from models.errors import AudioUnreadable
from models.runs.feature_cache import FeatureCache
from models.song_frames import FEATURES, VERSION, song_frames
from models.track_frames import SILENCE_RMS, gated_rms

FRAMES = "frames"


@dataclass(frozen=True, slots=True)
class FrameCache(FeatureCache[Tensor]):
    """A folder of (F, 52) frames in half precision."""

    @property
    def kind(self) -> str:
        return f"frames{VERSION}"

    def compute(self, waveform: Floats) -> Tensor:
        if gated_rms(waveform) < SILENCE_RMS:
            raise AudioUnreadable("It is silent.")
        with torch.inference_mode():
            return song_frames(waveform).half()

    def tensors(self, features: Tensor) -> Mapping[str, Tensor]:
        return {FRAMES: features}

    def features(self, tensors: Mapping[str, Tensor]) -> Tensor:
        frames = tensors.get(FRAMES)
        if frames is None or frames.dtype != torch.float16 or frames.ndim != 2 or frames.shape[1] != FEATURES:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"it holds no (F, {FEATURES}) frames in half precision")
        if not len(frames) or not frames.isfinite().all():
            raise ValueError("its frames are none, or no numbers")
        return frames
