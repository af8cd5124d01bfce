"""What the networks learn from, on disk: tracks from which crops and sections are cut."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from models.baselines import clmr_inputs, kim_inputs, lstm_inputs
from models.encoder import Floats
from models.errors import AudioUnreadable
from models.features import CHROMA_SIZE
from models.runs.tensor_cache import TensorCache
from models.track_frames import canonicalise


@dataclass(frozen=True, slots=True)
class MelCache(TensorCache):
    """A folder of (F, 128) mel spectrograms in dB, for KIM."""

    name: ClassVar[str] = "mel"
    columns: ClassVar[tuple[int, ...]] = (kim_inputs.MEL_BANDS,)

    @property
    def kind(self) -> str:
        return f"kim{kim_inputs.VERSION}"

    def compute(self, waveform: Floats) -> Tensor:
        with torch.inference_mode():
            return kim_inputs.mel_decibels(_heard(waveform)).half()


@dataclass(frozen=True, slots=True)
class SampleCache(TensorCache):
    """A folder of (T,) canonical waveforms, for CLMR."""

    name: ClassVar[str] = "samples"
    columns: ClassVar[tuple[int, ...]] = ()

    @property
    def kind(self) -> str:
        return f"clmr{clmr_inputs.VERSION}"

    def compute(self, waveform: Floats) -> Tensor:
        return clmr_inputs.samples(_heard(waveform)).half()


@dataclass(frozen=True, slots=True)
class ChromaCache(TensorCache):
    """A folder of (F, 12) chromagrams, for the LSTM."""

    name: ClassVar[str] = "chroma"
    columns: ClassVar[tuple[int, ...]] = (CHROMA_SIZE,)

    @property
    def kind(self) -> str:
        return f"lstm{lstm_inputs.VERSION}"

    def compute(self, waveform: Floats) -> Tensor:
        with torch.inference_mode():
            return lstm_inputs.chromagram(_heard(waveform)).half()


def _heard(waveform: Floats) -> Floats:
    canonical = canonicalise(waveform)
    if not canonical.any():
        raise AudioUnreadable("It is silent.")
    return canonical
