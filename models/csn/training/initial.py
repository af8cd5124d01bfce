"""Where training begins when it does not begin from nothing: the network and the tags of an artifact."""

import torch

from models.artifact import Artifact
from models.csn.encoder import NAME, load_weights, network_settings
from models.csn.network import CsnNetwork
from models.csn.settings import NetworkSettings
from models.csn.training.corpus import Corpus
from models.csn.training.objective import Objective
from models.csn.training.targets import tag_names
from models.errors import TrainingImpossible


def begin_from(artifact: Artifact, network: CsnNetwork, objective: Objective, corpus: Corpus) -> None:
    """Fill in the weights of an artifact, and the directions of those of its tags that are learnt here too.

    A tag's direction, scale and offset are those of its confidence (``models.tag_directions``). What else the
    objective learns begins at random, as it does without an artifact.

    Raises:
        ArtifactInvalid: Its tensors do not fit its manifest.
        TrainingImpossible: It is another encoder, or a network of another size.
    """
    _check(artifact, network.settings)
    load_weights(network, artifact)
    if not objective.settings.disentangled:
        return
    for space in {*artifact.manifest.tags} & {*objective.directions}:
        _begin_tags(artifact, objective, space, tag_names(corpus.vocabulary, space))


def _check(artifact: Artifact, wanted: NetworkSettings) -> None:
    if artifact.manifest.name != NAME:
        raise TrainingImpossible(
            f"Training cannot begin from an artifact of {artifact.manifest.name!r}; name one of {NAME!r}."
        )
    there, asked = network_settings(artifact.manifest).model_dump(), wanted.model_dump()
    differences = ", ".join(
        f"network.{name} is {value!r} and not {asked[name]!r}"
        for name, value in there.items()
        if value != asked[name]
    )
    if differences:
        raise TrainingImpossible(
            f"Training cannot begin from a network of another size: its {differences}. Change the configuration."
        )


@torch.no_grad()
def _begin_tags(artifact: Artifact, objective: Objective, space: str, wanted: tuple[str, ...]) -> None:
    tags = artifact.tag_directions(space)
    here = [wanted.index(name) for name in tags.names if name in wanted]
    there = [number for number, name in enumerate(tags.names) if name in wanted]
    scaled = torch.from_numpy(tags.directions * tags.scale[:, None])
    objective.directions[space][here] = scaled[there].to(objective.directions[space].device)
    objective.offsets[space][here] = torch.from_numpy(tags.offset)[there].to(objective.offsets[space].device)
