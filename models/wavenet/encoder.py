"""The encoder ``wavenet``: gated dilated convolutions, taught to rank (paper 004), as the service runs it.

Axis letters: T samples, N elements of a signal, W numbers in an element, B windows of one or several tracks, S
steps, R numbers in a step, E dimensions of an embedding, D of a vector.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from enum import IntEnum
from itertools import pairwise

import torch
from pydantic import ValidationError
from torch import Tensor
from torch.nn.functional import normalize, pad

from models.artifact import Artifact, check_inputs
from models.channels_last import channels_last
from models.component_meaning import ComponentMeaning
from models.encoder import EncoderManifest, Floats, Prepared, Space, TrackEmbedding, check_length
from models.errors import ArtifactInvalid
from models.tag_directions import TagDirections
from models.track_frames import SAMPLE_RATE_HZ, canonicalise
from models.wavenet.inputs import VERSION, audible, canonical_to_signal, element_rate_hz
from models.wavenet.network import WavenetNetwork
from models.wavenet.settings import WavenetSettings
from models.wavenet.sphere import on_sphere
from models.wavenet.windows import windows_of

NAME = "wavenet"
SPACE = "sound"
DESCRIPTION = "Sound: what tracks of one album, or of the same tags, have in common"
PREFIX = "network."
RADIUS = "radius"
MIN_SAMPLES = SAMPLE_RATE_HZ // 2
WINDOWS_AT_ONCE = 4


class Presence(IntEnum):
    """What an element of a window is; a step is the highest of what its elements are."""

    FILLING = 0
    SILENT = 1
    AUDIBLE = 2


def described(settings: WavenetSettings, version: str, training: Mapping[str, object]) -> EncoderManifest:
    """What an artifact of such a network says of itself, still without a digest."""
    return EncoderManifest(
        name=NAME,
        version=version,
        digest="",
        spaces=(Space(SPACE, _dimension(settings), DESCRIPTION),),
        sample_rate_hz=SAMPLE_RATE_HZ,
        settings={"inputs_version": VERSION, "network": settings.model_dump(mode="json")},
        training=training,
    )


class WavenetEncoder:
    """Embeds a track as a whole, and pieces of some seconds likewise: the steps of either, pooled to a fixed size.

    Steps are computed window by window, in bounded memory, and are those of the whole signal.

    Args:
        artifact: Written by ``models.wavenet.training.export``.
        device: To run on.

    Raises:
        ArtifactInvalid: Manifest and tensors do not fit each other, or were made for other inputs.
    """

    def __init__(self, artifact: Artifact, device: torch.device) -> None:
        self.manifest = artifact.manifest
        self.device = device
        self.tags: Mapping[str, TagDirections] = {}
        self.components: Mapping[str, Sequence[ComponentMeaning]] = {}
        self._settings = network_settings(artifact.manifest)
        self._windows = windows_of(self._settings)
        network = WavenetNetwork(self._settings).eval()
        artifact.fill(network, PREFIX)
        self._filling = network.stacks.mean.clone()
        self._end = deepcopy(network.end)  # stays on the CPU, as steps are there when a track is put together
        self._radius = artifact.tensor(RADIUS) if self._settings.similarity == "euclidean" else None
        channels_last(network).to(device)
        self._network = network

    def prepare(self, waveform: Floats) -> Prepared:
        """(T,) mono samples → (B, L, W + 1) windows of the canonical signal, with the presence of each element.

        Raises:
            WaveformTooShort: Less than half a second.
        """
        check_length(waveform, NAME, SAMPLE_RATE_HZ, MIN_SAMPLES)
        with torch.inference_mode():
            signal = canonical_to_signal(canonicalise(waveform), self._settings)
            presence = torch.where(audible(signal, self._settings), Presence.AUDIBLE, Presence.SILENT)
            filling = pad(self._filling, (0, 1), value=Presence.FILLING)
            rows = self._windows.cut(torch.cat([signal, presence[:, None].float()], 1), filling)
        return Prepared(rows, self._spans_s(len(signal), len(waveform) / SAMPLE_RATE_HZ))

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, L, W + 1) windows → (B, S, R + 1) their steps, with the presence of each."""
        return torch.cat([self._steps(part) for part in torch.split(inputs, WINDOWS_AT_ONCE)])

    def pool(self, prepared: Prepared, outputs: Tensor) -> TrackEmbedding:
        steps = outputs.flatten(0, 1)
        steps = steps[steps[:, -1] > Presence.FILLING]
        edges = self._edges(len(steps))
        pieces = [steps, *(steps[start:end] for start, end in pairwise(edges))]
        with torch.inference_mode():
            vectors = torch.cat([self._vector(piece) for piece in pieces]).numpy()
        return TrackEmbedding(vector=vectors[0], spans_s=prepared.spans_s, segments=vectors[1:])

    def embeddings(self, steps: Tensor) -> Tensor:
        """(S, R) steps of a piece → (1, E) as the network gives them, before they are laid on a sphere."""
        embedded: Tensor = self._end(steps[None])
        return embedded

    def _steps(self, windows: Tensor) -> Tensor:
        signal, presence = windows[:, :, :-1], windows[:, :, -1]
        kinds = presence.view(len(windows), -1, self._settings.step).amax(2)
        steps = torch.cat([self._network.steps(signal), kinds[:, :, None]], 2)
        return self._windows.inner(steps)

    def _vector(self, piece: Tensor) -> Tensor:
        """(S, R + 1) → (1, D); zero for silence."""
        embedded = self.embeddings(piece[:, :-1])
        vector = normalize(embedded) if self._radius is None else on_sphere(embedded, self._radius)
        return vector * (piece[:, -1].amax() == Presence.AUDIBLE)

    def _edges(self, steps: int) -> list[int]:
        """(S + 1,) where segments begin, and where the last one ends, which has what is left over."""
        length = max(1, round(self._settings.segment_s * element_rate_hz(self._settings) / self._settings.step))
        count = max(1, round(steps / length))
        return [*range(0, count * length, length), steps]

    def _spans_s(self, elements: int, duration_s: float) -> Floats:
        step = self._settings.step
        edges = torch.tensor(self._edges(-(-elements // step)), dtype=torch.float64)
        edges_s = edges * step / element_rate_hz(self._settings)
        edges_s[-1] = duration_s
        return torch.stack([edges_s[:-1], edges_s[1:]], 1).float().numpy()


def network_settings(manifest: EncoderManifest) -> WavenetSettings:
    """The network that an artifact is one of.

    Raises:
        ArtifactInvalid: It states none, or one for other inputs or spaces.
    """
    check_inputs(manifest, VERSION, SAMPLE_RATE_HZ)
    try:
        settings = WavenetSettings.model_validate(manifest.settings.get("network"))
    except ValidationError as error:
        raise ArtifactInvalid(f"The manifest of encoder {NAME!r} describes no network: {error}") from error
    spaces = [(space.name, space.dimension) for space in manifest.spaces]
    if spaces != [(SPACE, _dimension(settings))]:
        raise ArtifactInvalid(
            f"By its settings encoder {NAME!r} has the space {SPACE!r} of {_dimension(settings)} dimensions; its "
            f"manifest has {spaces}."
        )
    return settings


def _dimension(settings: WavenetSettings) -> int:
    """D, of vectors."""
    return settings.dimension + (settings.similarity == "euclidean")
