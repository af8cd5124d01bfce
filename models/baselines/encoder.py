"""What the baselines have in common as encoders: their vectors, and what they say of themselves."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor

from models.artifact import Artifact, check_inputs
from models.component_meaning import ComponentMeaning
from models.encoder import EncoderManifest, Floats, Prepared, Space, TrackEmbedding
from models.errors import ArtifactInvalid
from models.standardisation import Standardisation
from models.tag_directions import TagDirections
from models.track_frames import SAMPLE_RATE_HZ

SPACE = "sound"
TRACKS, SEGMENTS = "tracks", "segments"


class EncoderSettings(BaseModel):
    """What has to be known to build an encoder anew; nothing, unless there is more in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class BaselineEncoder(ABC):
    """One space, whose vectors are z-scores of a summary of the track, of unit length.

    Paper 000 puts a classifier behind a z-score by the training tracks, and paper 004 compares bare numbers;
    likeness is the cosine of z-scores here. Of the bare numbers a few of large variance or large mean would be all
    of the cosine. Segments are scored among segments and tracks among tracks: a summary of three seconds is another
    one than that of a song (deviations are smaller, most codewords are missing), and by the scale of songs all
    segments would be alike.

    Args:
        artifact: Written by ``models.baselines.training.export``.
        device: To run on.

    Raises:
        ArtifactInvalid: Manifest and tensors do not fit each other, or were made for other inputs.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    inputs_version: ClassVar[int]
    settings_kind: ClassVar[type[EncoderSettings]] = EncoderSettings

    def __init__(self, artifact: Artifact, device: torch.device) -> None:
        self.manifest = artifact.manifest
        self.device = device
        self.tags: Mapping[str, TagDirections] = {}
        self.components: Mapping[str, Sequence[ComponentMeaning]] = {}
        settings = self._settings()
        dimension = self.dimension(settings)
        spaces = [(space.name, space.dimension) for space in self.manifest.spaces]
        if spaces != [(SPACE, dimension)]:
            raise ArtifactInvalid(
                f"By its settings encoder {self.name!r} has the space {SPACE!r} of {dimension} dimensions; its "
                f"manifest has {spaces}."
            )
        self._tracks, self._segments = (_scale(artifact, kind, dimension) for kind in (TRACKS, SEGMENTS))
        self._build(artifact, settings)

    @staticmethod
    @abstractmethod
    def dimension(settings: Any) -> int:  # noqa: ANN401 - of the subclass's kind
        """D, of its vectors."""

    @abstractmethod
    def prepare(self, waveform: Floats) -> Prepared:
        """As the protocol has it: (T,) samples → one row per segment."""

    @abstractmethod
    def encode(self, inputs: Tensor) -> Tensor:
        """(B, …) rows → (B, 1 + Q): how much of each segment is audible, and what there is to know of it."""

    @abstractmethod
    def summary(self, outputs: Tensor) -> Tensor:
        """(S, 1 + Q) outputs of the segments of a track, in double precision → (D,); finite for silence too."""

    def _build(self, artifact: Artifact, settings: Any) -> None:  # noqa: ANN401, B027 - there may be nothing to do
        """Take the tensors of an artifact."""

    @classmethod
    def described(cls, settings: EncoderSettings, version: str, training: Mapping[str, object]) -> EncoderManifest:
        """What an artifact of these settings says of itself, still without a digest."""
        return EncoderManifest(
            name=cls.name,
            version=version,
            digest="",
            spaces=(Space(SPACE, cls.dimension(settings), cls.description),),
            sample_rate_hz=SAMPLE_RATE_HZ,
            settings={"inputs_version": cls.inputs_version, "encoder": settings.model_dump(mode="json")},
            training=training,
        )

    def pool(self, prepared: Prepared, outputs: Tensor) -> TrackEmbedding:
        exact = outputs.double()
        heard = (exact[:, :1] > 0).numpy()
        segments = self._segments.unit(self.summaries(exact)) * heard
        track = self._tracks.unit(self.summary(exact).numpy()[None]) * heard.any()
        return TrackEmbedding(vector=track[0], spans_s=prepared.spans_s, segments=segments)

    def summaries(self, outputs: Tensor) -> NDArray[np.float64]:
        """(S, 1 + Q) outputs of segments, in double precision → (S, D) the summary of each by itself."""
        return torch.stack([self.summary(piece) for piece in torch.split(outputs, 1)]).numpy()

    def _settings(self) -> EncoderSettings:
        check_inputs(self.manifest, self.inputs_version, SAMPLE_RATE_HZ)
        try:
            return self.settings_kind.model_validate(self.manifest.settings.get("encoder"))
        except ValidationError as error:
            raise ArtifactInvalid(f"The manifest describes no encoder {self.name!r}: {error}") from error


def scale_tensors(kind: str, scale: Standardisation) -> dict[str, Tensor]:
    """A scale of TRACKS or SEGMENTS as tensors of an artifact."""
    parts = {"mean": scale.mean, "weight": scale.weight}
    return {f"{kind}.{part}": torch.from_numpy(values).float() for part, values in parts.items()}


def _scale(artifact: Artifact, kind: str, dimension: int) -> Standardisation:
    mean, weight = (artifact.tensor(f"{kind}.{part}", dimension).double().numpy() for part in ("mean", "weight"))
    return Standardisation(mean, weight)
