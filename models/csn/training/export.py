"""The artifact of a run: the network of its best epoch, the tags, and where all that comes from."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from models.artifact import write_artifact
from models.csn.encoder import DESCRIPTIONS, NAME, PREFIX, settings_statement
from models.csn.inputs import SAMPLE_RATE_HZ
from models.csn.training.config import TrainingConfig
from models.csn.training.material import Material
from models.csn.training.tags import Embedded, find_tags
from models.csn.training.trainer import Trainer
from models.csn.training.validation import accuracies, track_embeddings
from models.encoder import EncoderManifest, Space
from models.tag_directions import TagDirections


def export(
    trainer: Trainer, material: Material, config: TrainingConfig, out: Path, *, version: str, command: str
) -> EncoderManifest:
    """Write the artifact of the run's best epoch.

    Weights are rounded to half precision first: what is reported was measured on what is written.

    Raises:
        ArtifactUnwritable: The folder cannot be written.
        TrainingInterrupted: The best checkpoint or the features are gone.
    """
    epoch = trainer.restore_best()
    _round_to_half(trainer.network)
    parts = config.network.slices()
    train, validation = (
        Embedded(corpus, track_embeddings(corpus, material.cache, config, trainer.embed))
        for corpus in (material.train, material.validation)
    )
    tags = find_tags(trainer.objective, parts, train, validation)
    manifest = EncoderManifest(
        name=NAME,
        version=version,
        digest="",
        spaces=tuple(Space(name, config.network.space_dimension, DESCRIPTIONS[name]) for name in parts),
        sample_rate_hz=SAMPLE_RATE_HZ,
        tags={space: found.names for space, found in tags.items()},
        settings=settings_statement(config.network),
        training={
            "command": command,
            "config": config.model_dump(mode="json"),
            "data": {name: asdict(facts) for name, facts in material.domains.items()},
            "epoch": epoch,
            "validation triplet accuracy": {
                name: round(value, 4)
                for name, value in accuracies(material.validation, validation.embeddings, parts).items()
            },
        },
    )
    return write_artifact(out, manifest, _tensors(trainer.network) | _tag_tensors(tags))


def _round_to_half(network: torch.nn.Module) -> None:
    network.load_state_dict({name: _rounded(tensor) for name, tensor in network.state_dict().items()})


def _rounded(tensor: Tensor) -> Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor


def _tensors(network: torch.nn.Module) -> dict[str, Tensor]:
    """The state without the counters of batch normalisation, in half precision."""
    state = network.state_dict()
    return {f"{PREFIX}{name}": _rounded(tensor) for name, tensor in state.items() if tensor.is_floating_point()}


def _tag_tensors(tags: Mapping[str, TagDirections]) -> dict[str, Tensor]:
    return {name: tensor for space, found in tags.items() for name, tensor in found.tensors(space).items()}
