"""The artifact of a baseline: what was learnt, and the scales on which its vectors are compared."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from models.artifact import Artifact, write_artifact
from models.baselines.encoder import SEGMENTS, TRACKS, BaselineEncoder, EncoderSettings, scale_tensors
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
    """Fit the scales to tracks and segments as the encoder will hear them, and write the artifact.

    Args:
        kind: Of encoder.
        settings: Of it.
        tensors: What it learnt.
        tracks: (B, …) rows of each training track, as ``prepare`` makes them; at least one is audible.
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
    track_rows, segment_rows = [], []
    for track in tracks:
        with torch.inference_mode():
            outputs = encoder.encode(track.to(device)).double().cpu()
        track_rows.append(encoder.summary(outputs).numpy())
        segment_rows.append(encoder.summaries(outputs[outputs[:, 0] > 0]))
    scales = _scales(fit_standardisation(np.stack(track_rows)), fit_standardisation(np.concatenate(segment_rows)))
    return write_artifact(out, manifest, {**tensors, **scales})


def unscaled(
    kind: type[BaselineEncoder], manifest: EncoderManifest, tensors: Mapping[str, Tensor], device: torch.device
) -> BaselineEncoder:
    """The encoder before its scales are known: its vectors are bare summaries of unit length."""
    scale = Standardisation(np.zeros(manifest.dimension), np.ones(manifest.dimension))
    return kind(Artifact(manifest, {**tensors, **_scales(scale, scale)}), device)


def _scales(tracks: Standardisation, segments: Standardisation) -> dict[str, Tensor]:
    return scale_tensors(TRACKS, tracks) | scale_tensors(SEGMENTS, segments)
