"""Any registered encoder as a system: the vector of the whole clip."""

from collections.abc import Sequence

import librosa
import numpy as np
from numpy.typing import NDArray

from models.encoder import Encoder, embed
from models.evaluate.embedded import Embedded
from models.evaluate.system import CLIP_RATE_HZ, Clip, Measured


class EncoderSystem:
    """Learns nothing from the dataset: an encoder comes trained.

    Args:
        encoder: Ready to run.
        name: As tables print it.
    """

    learns = False

    def __init__(self, encoder: Encoder, name: str) -> None:
        self._encoder = encoder
        self.name = name
        self.identity = f"encoder {encoder.manifest.digest}"

    def measure(self, clip: Clip) -> Measured:
        rate_hz = self._encoder.manifest.sample_rate_hz
        waveform = clip.waveform
        if rate_hz != CLIP_RATE_HZ:
            waveform = librosa.resample(waveform, orig_sr=CLIP_RATE_HZ, target_sr=rate_hz)
        return {"vector": embed(self._encoder, waveform).vector}

    def embed(self, measured: Sequence[Measured], training: NDArray[np.bool_]) -> Embedded:  # noqa: ARG002
        vectors = np.stack([track["vector"] for track in measured]).astype(np.float32)
        spaces = self._encoder.manifest.spaces
        ends = np.cumsum([space.dimension for space in spaces]).tolist()
        slices = {space.name: slice(end - space.dimension, end) for space, end in zip(spaces, ends, strict=True)}
        return Embedded(self.name, vectors, slices, tags=self._encoder.tags)
