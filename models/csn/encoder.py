"""The encoder ``csn``: six sub-spaces of one network (papers 001 and 003), as the service runs it.

Axis letters: B segments, of one or several tracks, E dimensions of all spaces.
"""

from collections.abc import Mapping, Sequence

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from models.artifact import Artifact
from models.channels_last import channels_last
from models.component_meaning import ComponentMeaning
from models.csn.backbone import ConvolutionUnit
from models.csn.inputs import CHROMA_SIZE, HOP_SAMPLES, MEL_BANDS, SAMPLE_RATE_HZ, SEGMENT_FRAMES, VERSION
from models.csn.network import CsnNetwork
from models.csn.segment_inputs import network_inputs
from models.csn.settings import NetworkSettings
from models.csn.track_features import (
    SEGMENT_S,
    Segments,
    context_frames,
    cut,
    segment_starts,
    waveform_to_features,
)
from models.encoder import EncoderManifest, Floats, Prepared, TrackEmbedding, check_length, mean_of_segments
from models.errors import ArtifactInvalid
from models.tag_directions import TagDirections

NAME = "csn"
DESCRIPTIONS: Mapping[str, str] = {
    "genre": "Style, as tags of genres have it",
    "mood": "Mood, as tags of moods have it",
    "instrument": "Instruments and voices",
    "era": "When the music was written",
    "tempo": "Beats per minute, octaves alike",
    "key": "Tonic: same and parallel keys alike",
}
PREFIX = "network."
MIN_SAMPLES = SAMPLE_RATE_HZ // 2
AUDIBLE = 0.02
"""Of log10(1 + 10 · mel): a segment in which nothing is louder is silent."""


def settings_statement(network: NetworkSettings) -> dict[str, object]:
    """What an artifact says of how it is built and fed."""
    return {"inputs_version": VERSION, "network": network.model_dump(mode="json")}


class CsnEncoder:
    """Embeds segments of three seconds; a track is the mean of its segments (papers 001 and 003).

    Batch normalisation is folded into the convolutions, which changes nothing but the time it takes.

    Args:
        artifact: Written by ``models.csn.training.export``.
        device: To run on.

    Raises:
        ArtifactInvalid: Manifest and tensors do not fit each other, or were made for other inputs.
    """

    def __init__(self, artifact: Artifact, device: torch.device) -> None:
        self.manifest = artifact.manifest
        self.device = device
        self._settings = network_settings(artifact.manifest)
        self.components: Mapping[str, Sequence[ComponentMeaning]] = {}
        self.tags: Mapping[str, TagDirections] = {
            space: artifact.tag_directions(space) for space in artifact.manifest.tags
        }
        network = CsnNetwork(self._settings)
        load_weights(network, artifact)
        _fold(network.eval())
        self._network = channels_last(network).to(device)

    def prepare(self, waveform: Floats) -> Prepared:
        """(T,) mono samples → one row per segment: mel, onset strength and CENS, one after the other.

        Raises:
            WaveformTooShort: Less than half a second.
        """
        check_length(waveform, NAME, SAMPLE_RATE_HZ, MIN_SAMPLES)
        with torch.inference_mode():
            features = waveform_to_features(waveform)
            starts = segment_starts(len(features))
            segments = cut(features, starts, self._settings)
            rows = torch.cat([part.flatten(1) for part in (segments.mel, segments.onset, segments.cens)], 1)
        duration_s = len(waveform) / SAMPLE_RATE_HZ
        starts_s = starts.double() * HOP_SAMPLES / SAMPLE_RATE_HZ
        ends_s = (starts_s + SEGMENT_S).clamp_max(duration_s)
        ends_s[-1] = duration_s  # with what is left over, which is too short for a segment of its own
        return Prepared(rows, torch.stack([starts_s, ends_s], 1).float().numpy())

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, …) rows → (B, E) embeddings; zero for silence."""
        segments = self._segments(inputs)
        embeddings: Tensor = self._network(network_inputs(segments, self._settings))
        return embeddings * (segments.mel.flatten(1).amax(1) > AUDIBLE)[:, None]

    def pool(self, prepared: Prepared, outputs: Tensor) -> TrackEmbedding:
        return mean_of_segments(self.manifest.spaces, prepared, outputs)

    def _segments(self, rows: Tensor) -> Segments:
        settings = self._settings
        sizes = [MEL_BANDS * SEGMENT_FRAMES, context_frames(settings), CHROMA_SIZE * settings.columns]
        mel, onset, cens = torch.split(rows, sizes, 1)
        return Segments(mel.view(len(rows), MEL_BANDS, -1), onset, cens.view(len(rows), CHROMA_SIZE, -1))


def network_settings(manifest: EncoderManifest) -> NetworkSettings:
    """The network that an artifact is one of.

    Raises:
        ArtifactInvalid: It states none, or one for other inputs or spaces.
    """
    stated = manifest.settings
    if stated.get("inputs_version") != VERSION or manifest.sample_rate_hz != SAMPLE_RATE_HZ:
        raise ArtifactInvalid(
            f"The artifact was trained on version {stated.get('inputs_version')} of the inputs at "
            f"{manifest.sample_rate_hz} Hz; this is version {VERSION} at {SAMPLE_RATE_HZ} Hz. Train it anew: "
            f"python -m models train {NAME}."
        )
    try:
        settings = NetworkSettings.model_validate(stated.get("network"))
    except ValidationError as error:
        raise ArtifactInvalid(f"The manifest of encoder {NAME!r} describes no network: {error}") from error
    spaces = [(space.name, space.dimension) for space in manifest.spaces]
    if spaces != [(space, settings.space_dimension) for space in settings.spaces]:
        raise ArtifactInvalid(f"The spaces of encoder {NAME!r} are not those of its network: {spaces}.")
    return settings


def load_weights(network: CsnNetwork, artifact: Artifact) -> None:
    """Fill in the weights, whatever their precision; what counts the batches of a normalisation is not kept.

    Raises:
        ArtifactInvalid: They are those of another network.
    """
    artifact.fill(network, PREFIX)


def _fold(network: nn.Module) -> None:
    """Replace every convolution and its normalisation by one convolution that does both."""
    for unit in network.modules():
        if isinstance(unit, ConvolutionUnit):
            unit.fold()
