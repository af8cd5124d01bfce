"""The protocol that every encoder follows, from hand-made statistics to networks on a GPU.

An encoder turns a waveform into one vector per sub-space, for the whole track and for each segment. The work is
cut in three, so that a worker can overlap tracks: ``prepare`` (CPU, thread-safe: features and framing),
``encode`` (one device batch that may hold rows of several tracks) and ``pool`` (rows back to a track).

Axis letters: B rows of a batch, S segments, T samples, D dimensions of all spaces side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from models.component_meaning import ComponentMeaning
from models.errors import WaveformTooShort
from models.tag_directions import TagDirections

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Space:
    """One sub-space: a musical dimension with vectors of its own."""

    name: str
    dimension: int
    description: str = ""


@dataclass(frozen=True, slots=True)
class EncoderManifest:
    """What an artifact says of itself.

    Attributes:
        name: The encoder's registered name, for example ``librosa``.
        version: Of the artifact, raised whenever its vectors change.
        digest: SHA-256 over manifest and weights: what exactly made a vector.
        spaces: In the order in which they stand in a vector.
        sample_rate_hz: Of the waveform that ``prepare`` wants (mono).
        tags: Tag vocabulary by space, empty where the encoder knows none; ``Encoder.tags`` says where each points.
        settings: Everything else that is needed to rebuild the encoder (feature and layer sizes).
        training: Where it comes from: data, digests, command, metrics.
    """

    name: str
    version: str
    digest: str
    spaces: tuple[Space, ...]
    sample_rate_hz: int
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)

    @property
    def dimension(self) -> int:
        """D, the length of a whole embedding."""
        return sum(space.dimension for space in self.spaces)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A track ready for the device.

    Attributes:
        inputs: (B, …) rows for ``encode``; what a row means is the encoder's affair.
        spans_s: (S, 2) start and end of each segment in seconds.
    """

    inputs: torch.Tensor
    spans_s: Floats


@dataclass(frozen=True, slots=True)
class TrackEmbedding:
    """The vectors of one track.

    Attributes:
        vector: (D,) float32, the spaces side by side; each of unit length, or all zero where the space does not
            apply (silence has no key).
        spans_s: (S, 2) float32, S ≥ 1.
        segments: (S, D) float32, as ``vector``.
        certainty: How sure the vector is, 0 to 1; ``None`` where the encoder cannot tell.
    """

    vector: Floats
    spans_s: Floats
    segments: Floats
    certainty: float | None = None


class Encoder(Protocol):
    """What the worker asks of an encoder. Never yields NaN, whatever the waveform."""

    @property
    def manifest(self) -> EncoderManifest: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def tags(self) -> Mapping[str, TagDirections]:
        """The tags that it hears, by space; empty where it knows none. A name may stand in several spaces."""

    @property
    def components(self) -> Mapping[str, Sequence[ComponentMeaning]]:
        """What each dimension means, by space, where dimensions are roots of shares; empty where they are not."""

    def prepare(self, waveform: Floats) -> Prepared:
        """Turn (T,) mono samples at ``manifest.sample_rate_hz`` into rows. Pure and thread-safe.

        Raises:
            WaveformTooShort: Fewer samples than the encoder can use.
        """

    def encode(self, inputs: torch.Tensor) -> torch.Tensor:
        """Turn (B, …) rows, possibly of several tracks, into (B, …) rows on the encoder's device."""

    def pool(self, prepared: Prepared, outputs: torch.Tensor) -> TrackEmbedding:
        """Turn the rows of one track into its vectors."""


def check_length(waveform: Floats, name: str, sample_rate_hz: int, min_samples: int) -> None:
    """Refuse what is too short for an encoder.

    Raises:
        WaveformTooShort: Fewer than ``min_samples``; it says how long the track would have to be.
    """
    if len(waveform) < min_samples:
        raise WaveformTooShort(
            f"The track has {len(waveform) / sample_rate_hz:.3f} s of sound; encoder {name!r} needs at least "
            f"{min_samples / sample_rate_hz:.3f} s."
        )


def mean_of_segments(spaces: Sequence[Space], prepared: Prepared, outputs: torch.Tensor) -> TrackEmbedding:
    """Pool (S, D) vectors of segments: a track is their mean, each space of unit length, or zero as it was."""
    vectors = torch.cat([outputs.sum(0, keepdim=True), outputs])
    parts = torch.split(vectors, [space.dimension for space in spaces], 1)
    unit = torch.cat([torch.nn.functional.normalize(part, dim=1) for part in parts], 1).numpy()
    return TrackEmbedding(vector=unit[0], spans_s=prepared.spans_s, segments=unit[1:])


def embed(encoder: Encoder, waveform: Floats) -> TrackEmbedding:
    """Embed one track by itself: the three steps in a row."""
    prepared = encoder.prepare(waveform)
    with torch.inference_mode():
        outputs = encoder.encode(prepared.inputs.to(encoder.device)).cpu()
    return encoder.pool(prepared, outputs)
