"""The encoder ``hdpgmm``: which of the corpus's components a track is made of (paper 000).

Axis letters: B segments, of one or several tracks, N frames of a segment, K components.
"""

from collections.abc import Mapping, Sequence

import torch
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from models.artifact import Artifact
from models.audible_frames import from_segments, to_segments, track_frames
from models.component_meaning import ComponentMeaning
from models.encoder import EncoderManifest, Floats, Prepared, TrackEmbedding, check_length
from models.errors import ArtifactInvalid
from models.hdpgmm.certainty import CertaintySettings, certainty
from models.hdpgmm.quadratic import pack
from models.hdpgmm.settings import MixtureSettings
from models.hdpgmm.tensors import posterior_of, tensor_shapes, whitening_of
from models.song_frames import FEATURES, HOP_SAMPLES, MIN_SAMPLES, SAMPLE_RATE_HZ, VERSION
from models.tag_directions import TagDirections

NAME = "hdpgmm"
SPACE = "sound"
DESCRIPTION = "Kinds of sound: the components of a mixture, by their shares of the track"
SEGMENTS_AT_ONCE = 32
"""So many segments take some 25 MB of monomials."""

COMPONENTS = "components"
"""Where ``manifest.training`` says what they mean."""

_MEANINGS = TypeAdapter(tuple[ComponentMeaning, ...])


def settings_statement(mixture: MixtureSettings, sure: CertaintySettings) -> dict[str, object]:
    """What an artifact says of how it is built and fed, and of its certainty."""
    return {
        "frames_version": VERSION,
        "mixture": mixture.model_dump(mode="json"),
        "certainty": sure.model_dump(mode="json"),
    }


class HdpgmmEncoder:
    """Shares of the components in a track, as a vector of unit length.

    A frame's posterior over the components is softmax_k E ln p(x | k) (encoders, 1.6, reading b: what the code of
    the paper does). A track's shares p are the mean over its audible frames. Its vector is √p, whose inner product
    with another is the Bhattacharyya coefficient of the two: 1 for the same shares, 0 for nothing in common. Its
    certainty is that of ``models.hdpgmm.certainty``.

    Args:
        artifact: Written by ``models.hdpgmm.training.export``.
        device: To run on.

    Raises:
        ArtifactInvalid: Manifest and tensors do not fit each other, or were made for other frames.
    """

    def __init__(self, artifact: Artifact, device: torch.device) -> None:
        self.manifest = artifact.manifest
        self.device = device
        self.tags: Mapping[str, TagDirections] = {
            space: artifact.tag_directions(space) for space in artifact.manifest.tags
        }
        settings, self._sure = _settings(artifact.manifest)
        self.components: Mapping[str, Sequence[ComponentMeaning]] = _meanings(artifact.manifest)
        shapes = tensor_shapes(settings.components, FEATURES)
        tensors = {name: artifact.tensor(name, *shape) for name, shape in shapes.items()}
        self._whitening = whitening_of(tensors)
        self._likelihoods = _likelihoods(tensors).to(device)
        self._log_weights = posterior_of(tensors).sticks.log_weights.float().to(device)

    def prepare(self, waveform: Floats) -> Prepared:
        """(T,) mono samples → (B, N · 53): white frames of each segment, and whether they are audible.

        Raises:
            WaveformTooShort: Fewer samples than nine frames.
        """
        check_length(waveform, NAME, SAMPLE_RATE_HZ, MIN_SAMPLES)
        with torch.inference_mode():
            frames, audible = track_frames(waveform)
            return to_segments(self._whitening.apply(frames), audible, len(waveform))

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, …) rows → (B, K + 2) sums of the audible frames' posteriors; how many are audible, and familiar."""
        return torch.cat([self._sums(rows) for rows in torch.split(inputs, SEGMENTS_AT_ONCE)])

    def pool(self, prepared: Prepared, outputs: Tensor) -> TrackEmbedding:
        whole = outputs.sum(0, keepdim=True)
        sums, counts = torch.split(torch.cat([whole, outputs]), [outputs.shape[1] - 2, 2], 1)
        vectors = torch.nn.functional.normalize(sums.sqrt(), dim=1).numpy()
        return TrackEmbedding(
            vector=vectors[0],
            spans_s=prepared.spans_s,
            segments=vectors[1:],
            certainty=self._certainty(sums[:1], counts[:1]),
        )

    def _sums(self, rows: Tensor) -> Tensor:
        frames, audible = from_segments(rows)
        logs = pack(frames) @ self._likelihoods
        familiar = torch.logsumexp(logs + self._log_weights, -1, keepdim=True) > self._sure.familiar_above
        columns = [torch.softmax(logs, -1), torch.ones_like(familiar, dtype=logs.dtype), familiar.to(logs.dtype)]
        return (torch.cat(columns, -1) * audible[:, :, None]).sum(1)

    def _certainty(self, sums: Tensor, counts: Tensor) -> float:
        audible, familiar = counts.double().unbind(1)
        frames = audible.clamp_min(1)
        shares = sums.double() / frames[:, None]
        return float(certainty(shares, audible * HOP_SAMPLES / SAMPLE_RATE_HZ, familiar / frames, self._sure))


def _settings(manifest: EncoderManifest) -> tuple[MixtureSettings, CertaintySettings]:
    stated = manifest.settings
    if stated.get("frames_version") != VERSION or manifest.sample_rate_hz != SAMPLE_RATE_HZ:
        raise ArtifactInvalid(
            f"The artifact was trained on version {stated.get('frames_version')} of the frames at "
            f"{manifest.sample_rate_hz} Hz; this is version {VERSION} at {SAMPLE_RATE_HZ} Hz. Train it anew: "
            f"python -m models train {NAME}."
        )
    try:
        settings = MixtureSettings.model_validate(stated.get("mixture"))
        sure = CertaintySettings.model_validate(stated.get("certainty"))
    except ValidationError as error:
        raise ArtifactInvalid(
            f"The manifest of encoder {NAME!r} describes no mixture, or not how sure it is: {error}. Train it "
            f"anew: python -m models train {NAME}."
        ) from error
    spaces = [(space.name, space.dimension) for space in manifest.spaces]
    if spaces != [(SPACE, settings.components)]:
        raise ArtifactInvalid(f"The spaces of encoder {NAME!r} are not those of its mixture: {spaces}.")
    return settings, sure


def _meanings(manifest: EncoderManifest) -> dict[str, tuple[ComponentMeaning, ...]]:
    try:
        found = _MEANINGS.validate_python(manifest.training.get(COMPONENTS))
    except ValidationError as error:
        raise ArtifactInvalid(
            f"The manifest of encoder {NAME!r} says nothing of its components: {error}"
        ) from error
    if len(found) != manifest.dimension:
        raise ArtifactInvalid(
            f"The manifest of encoder {NAME!r} describes {len(found)} of its {manifest.dimension} components."
        )
    return {SPACE: found}


def _likelihoods(tensors: Mapping[str, Tensor]) -> Tensor:
    """(P, K) coefficients of E ln p(x | k), in single precision."""
    try:
        found = posterior_of(tensors).components.expected_log_likelihood.float()
    except torch.linalg.LinAlgError as error:  # type: ignore[attr-defined]
        raise ArtifactInvalid(
            f"The components of encoder {NAME!r} are damaged: a scatter is not positive definite. Fetch the "
            "artifact again or train it anew."
        ) from error
    if not found.isfinite().all():
        raise ArtifactInvalid(f"The components of encoder {NAME!r} are damaged: some numbers are not finite.")
    return found
