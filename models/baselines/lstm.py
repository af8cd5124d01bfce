"""The encoder ``lstm``: what a network that foretells the next chroma keeps of a track (paper 004, 4.2)."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from models.artifact import Artifact
from models.baselines.block_encoder import PREFIX, mean_embedding
from models.baselines.encoder import BaselineEncoder, EncoderSettings
from models.baselines.lstm_inputs import VERSION, audible_frames, chromagram, from_sections, spans_s, to_sections
from models.baselines.lstm_network import LstmNetwork, LstmSettings
from models.encoder import Floats, Prepared, check_length
from models.features import CHROMA_SIZE
from models.track_frames import SAMPLE_RATE_HZ, canonicalise

SECTIONS_AT_ONCE = 32

REDUCTIONS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": mean_embedding,
    "max": lambda kept, _: kept.amax(0),
    "last": lambda kept, _: kept[-1],
}
"""(S, Q) what is kept of audible sections, and (S,) their audible frames → (Q,) what is kept of the track."""


class LstmEncoder(BaselineEncoder):
    """States and outputs of the network, over the audible sections of 23.2 s."""

    name: ClassVar[str] = "lstm"
    description: ClassVar[str] = "Sound: what foretells the next pitch classes"
    settings_kind: ClassVar[type[EncoderSettings]] = LstmSettings
    inputs_version: ClassVar[int] = VERSION

    @staticmethod
    def dimension(settings: LstmSettings) -> int:
        sizes = {"states": 2 * settings.hidden, "outputs": CHROMA_SIZE}
        return sizes.get(settings.keep, sum(sizes.values()))

    def prepare(self, waveform: Floats) -> Prepared:
        """(T,) mono samples → (S, L, 13) sections of the canonical waveform's chromagram.

        Raises:
            WaveformTooShort: Less than half a second.
        """
        check_length(waveform, self.name, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ // 2)
        with torch.inference_mode():
            sections = to_sections(chromagram(canonicalise(waveform)))
        return Prepared(sections, spans_s(len(sections), len(waveform)))

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, L, 13) sections → (B, 1 + Q): how many of their frames are audible, and what is kept of them."""
        return torch.cat([self._kept(part) for part in torch.split(inputs, SECTIONS_AT_ONCE)])

    def summary(self, outputs: Tensor) -> Tensor:
        audible = outputs[outputs[:, 0] > 0]
        if not len(audible):
            return outputs.new_zeros(outputs.shape[1] - 1)
        return REDUCTIONS[self._reduce](audible[:, 1:], audible[:, 0])

    def _kept(self, sections: Tensor) -> Tensor:
        frames, counts = from_sections(sections)
        states, outputs = self._network.memory(frames, counts)
        kept = {"states": [states], "outputs": [outputs]}.get(self._keep, [states, outputs])
        return torch.cat([audible_frames(frames)[:, None], *kept], 1)

    def _build(self, artifact: Artifact, settings: LstmSettings) -> None:
        self._reduce, self._keep = settings.reduce, settings.keep
        network = LstmNetwork(settings)
        artifact.fill(network, PREFIX)
        self._network = network.eval().to(self.device)
