"""The artifact of a baseline: what was learnt, and the scale on which its vectors are compared."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.artifact import Artifact, write_artifact
from models.baselines.encoder import MEAN, WEIGHT, BaselineEncoder, EncoderSettings
from models.encoder import EncoderManifest
from models.standardisation import Standardisation, fit_standardisation


def export(
    kind: type[BaselineEncoder],
    settings: EncoderSettings,
    tensors: Mapping[str, Tensor],
    tracks: Iterable[Tensor],
    out: Path,
    *,
    version: str,
    training: Mapping[str, object],
    device: torch.device,
) -> EncoderManifest:
    """Fit the scale to the tracks as the encoder will hear them, and write the artifact.

    Args:
        kind: Of encoder.
        settings: Of it.
        tensors: What it learnt.
        tracks: (B, …) rows of each training track, as ``prepare`` makes them.
        out: Folder of the artifact.
        version: Of it.
        training: Where it comes from.
        device: To encode on.

    Raises:
        ArtifactUnwritable: The folder cannot be written.
        TrainingInterrupted: Features of training tracks are gone.
    """
    manifest = kind.described(settings, version, training)
    encoder = unscaled(kind, manifest, tensors, device)
    with torch.inference_mode():
        rows = [encoder.summary(encoder.encode(track.to(device)).double().cpu()).numpy() for track in tracks]
    scale = fit_standardisation(np.stack(rows))
    return write_artifact(out, manifest, {**tensors, **_tensors(scale)})


def unscaled(
    kind: type[BaselineEncoder], manifest: EncoderManifest, tensors: Mapping[str, Tensor], device: torch.device
) -> BaselineEncoder:
    """The encoder before its scale is known: its vectors are bare summaries of unit length."""
    scale = Standardisation(np.zeros(manifest.dimension), np.ones(manifest.dimension))
    return kind(Artifact(manifest, {**tensors, **_tensors(scale)}), device)


def _tensors(scale: Standardisation) -> dict[str, Tensor]:
    return {MEAN: torch.from_numpy(scale.mean).float(), WEIGHT: torch.from_numpy(scale.weight).float()}
