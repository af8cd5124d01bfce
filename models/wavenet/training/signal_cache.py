"""What the network learns from, on disk: the signals of tracks."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from models.encoder import Floats
from models.errors import AudioUnreadable
from models.runs.tensor_cache import TensorCache
from models.track_frames import canonicalise
from models.wavenet.inputs import VERSION, canonical_to_signal
from models.wavenet.settings import WavenetSettings


@dataclass(frozen=True, slots=True)
class SignalCache(TensorCache):
    """A folder of (N, W) signals in half precision.

    Attributes:
        settings: Of the network that reads them.
    """

    name: ClassVar[str] = "signal"
    settings: WavenetSettings

    @property
    def columns(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.settings.width,)

    @property
    def kind(self) -> str:
        settings = self.settings
        size = settings.mean_pool if settings.signal == "samples" else settings.mel_bands
        return f"wavenet{VERSION}.{settings.signal}{size}"

    def compute(self, waveform: Floats) -> Tensor:
        canonical = canonicalise(waveform)
        if not canonical.any():
            raise AudioUnreadable("It is silent.")
        with torch.inference_mode():
            return canonical_to_signal(canonical, self.settings).half()
