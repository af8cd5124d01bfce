"""What the CSN learns from, on disk."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from models.csn.inputs import CHROMA_SIZE, MEL_BANDS, VERSION
from models.csn.track_features import TrackFeatures, waveform_to_features
from models.encoder import Floats
from models.errors import AudioUnreadable
from models.runs.feature_cache import FeatureCache

KINDS = {
    "mel": (torch.uint8, (MEL_BANDS,)),
    "onset": (torch.float16, ()),
    "cens": (torch.uint8, (CHROMA_SIZE,)),
}
"""Of the tensors of an entry: type, and shape of a frame."""


@dataclass(frozen=True, slots=True)
class CsnFeatureCache(FeatureCache[TrackFeatures]):
    """A folder of mel spectrograms, onset strengths and CENS."""

    @property
    def kind(self) -> str:
        return f"v{VERSION}"

    def compute(self, waveform: Floats) -> TrackFeatures:
        features = waveform_to_features(waveform)
        if not features.mel.any():
            raise AudioUnreadable("It is silent.")
        return features

    def tensors(self, features: TrackFeatures) -> Mapping[str, Tensor]:
        return {name: getattr(features, name) for name in KINDS}

    def features(self, tensors: Mapping[str, Tensor]) -> TrackFeatures:
        if tensors.keys() != KINDS.keys():
            raise ValueError(f"it holds {', '.join(sorted(tensors))}")
        frames = tensors["onset"].numel()
        for name, (dtype, columns) in KINDS.items():
            found = tensors[name]
            if not frames or found.dtype != dtype or tuple(found.shape) != (frames, *columns):
                raise ValueError(f"{name} has the shape {tuple(found.shape)} of {found.dtype}")
        return TrackFeatures(**tensors)
