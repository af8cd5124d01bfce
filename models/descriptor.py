"""The encoder ``librosa``: statistics of hand-made features, one sub-space for each musical facet (paper 004)."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from models.artifact import Artifact
from models.component_meaning import ComponentMeaning
from models.encoder import (
    EncoderManifest,
    Floats,
    Prepared,
    Space,
    TrackEmbedding,
    check_length,
    mean_of_segments,
)
from models.errors import ArtifactInvalid
from models.projection import Projection
from models.statistics import FACETS, frames_to_rows, segment_spans_s
from models.tag_directions import TagDirections
from models.track_frames import FFT_SAMPLES, SAMPLE_RATE_HZ, shared_track_frames

NAME = "librosa"
MIN_SAMPLES = FFT_SAMPLES
DESCRIPTIONS: Mapping[str, str] = {
    "timbre": "Sound colour: brightness, noisiness, spectral contrast and envelope.",
    "harmony": "Pitch classes, chords and register, at their sounding pitch.",
    "rhythm": "Onsets, pulse and fluctuation, by frequency band.",
    "dynamics": "Course of the level and its changes, independent of the mastering level.",
}
STATISTICS_VERSION = 1
"""Raised whenever the statistics change; an artifact is bound to the version that it was fitted to."""


class DescriptorEncoder:
    """Statistics per segment → a projection for each facet → unit vectors; a track is the mean of its segments."""

    def __init__(self, artifact: Artifact, device: torch.device) -> None:
        self._manifest = artifact.manifest
        self._device = device
        _check(self._manifest)
        self._projections = {
            space.name: _projection(artifact, space, FACETS[space.name], device) for space in self._manifest.spaces
        }

    @property
    def manifest(self) -> EncoderManifest:
        return self._manifest

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def tags(self) -> Mapping[str, TagDirections]:
        return {}

    @property
    def components(self) -> Mapping[str, Sequence[ComponentMeaning]]:
        return {}

    def prepare(self, waveform: Floats) -> Prepared:
        check_length(waveform, NAME, SAMPLE_RATE_HZ, MIN_SAMPLES)
        with torch.inference_mode():
            frames = shared_track_frames(waveform)
            return Prepared(frames_to_rows(frames), segment_spans_s(len(frames.timbre), frames.duration_s))

    def encode(self, inputs: Tensor) -> Tensor:
        """(B, P) statistics of segments → (B, D) projections, not yet of unit length."""
        parts = torch.split(inputs, list(FACETS.values()), 1)
        columns = dict(zip(FACETS, parts, strict=True))
        return torch.cat([projection(columns[name]) for name, projection in self._projections.items()], 1)

    def pool(self, prepared: Prepared, outputs: Tensor) -> TrackEmbedding:
        return mean_of_segments(self._manifest.spaces, prepared, outputs)


def _check(manifest: EncoderManifest) -> None:
    version = manifest.settings.get("statistics_version")
    if version != STATISTICS_VERSION:
        raise ArtifactInvalid(
            f"The artifact was fitted to version {version} of the statistics; this is version "
            f"{STATISTICS_VERSION}. Train it anew: python -m models train {NAME}."
        )
    names = [space.name for space in manifest.spaces]
    if names != list(FACETS) or manifest.sample_rate_hz != SAMPLE_RATE_HZ:
        raise ArtifactInvalid(
            f"Encoder {NAME!r} has the spaces {', '.join(FACETS)} at {SAMPLE_RATE_HZ} Hz; the artifact has "
            f"{', '.join(names) or 'none'} at {manifest.sample_rate_hz} Hz."
        )


def _projection(artifact: Artifact, space: Space, statistics: int, device: torch.device) -> Projection:
    shapes = {
        "mean": (statistics,),
        "limit": (statistics,),
        "scale": (statistics,),
        "matrix": (statistics, space.dimension),
        "offset": (space.dimension,),
    }
    return Projection(
        **{part: artifact.tensor(f"{space.name}.{part}", *shape).to(device) for part, shape in shapes.items()}
    )
