"""Training that begins from an artifact: what it takes over, what it does not, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.artifact import read_artifact
from models.csn.network import example_inputs
from models.csn.training.export import export
from models.csn.training.trainer import Trainer
from models.errors import TrainingImpossible, TrainingInterrupted

CPU = torch.device("cpu")
SPACES = ("genre", "tempo")
SECTIONS = {
    "network": {"inputs": "single", "spaces": SPACES, "joint_blocks": 1, "space_dimension": 6},
    "objective": {"tags": 1.0},
    "optimiser": {"learning_rate": 0.01, "warm_up": 0, "precision": "float32"},
    "batch": {"tracks": 8, "segments": 1, "per_epoch": 4},
    "validation_segments": 2,
}


@pytest.fixture(scope="module")
def material(make, tmp_path_factory):
    return make.material(tmp_path_factory.mktemp("cache"), make.config(**SECTIONS), 24, 40)


@pytest.fixture(scope="module")
def artifact(make, material, tmp_path_factory):
    """Of a run of a few batches."""
    folder = tmp_path_factory.mktemp("run")
    config = make.config(**SECTIONS)
    trainer = Trainer(config, material, folder, CPU)
    trainer.train_epoch(lambda *_: None)
    export(trainer, material, config, folder / "csn", version="1", command="train it")
    return read_artifact(folder / "csn")


@pytest.fixture
def begin(make, material, tmp_path):
    """Makes a trainer that begins from an artifact, or from nothing."""

    def begin(initial=None, folder="new", **changes):
        return Trainer(make.config(**{**SECTIONS, "seed": 5, **changes}), material, tmp_path / folder, CPU, initial)

    return begin


def outputs(trainer):
    generator = torch.Generator().manual_seed(0)
    zeros = example_inputs(trainer.config.network)
    inputs = {name: torch.rand(part.shape, generator=generator) for name, part in zeros.items()}
    with torch.inference_mode():
        return trainer.network.eval()(inputs)


def test_the_network_begins_as_that_of_the_artifact(begin, artifact):
    one, other = begin(artifact, "one"), begin(artifact, "other", seed=6)
    assert torch.equal(outputs(one), outputs(other))
    assert not torch.allclose(outputs(one), outputs(begin()))
    for name, tensor in one.network.state_dict().items():
        if tensor.is_floating_point():
            assert torch.equal(tensor, artifact.tensor(f"network.{name}", *tensor.shape).float()), name


def test_tags_begin_where_they_point_and_the_others_at_random(begin, artifact, material):
    trainer, from_nothing = begin(artifact), begin(folder="other")
    tags = artifact.tag_directions("genre")
    assert tags.names
    for number, name in enumerate(material.train.vocabulary["genre"]):
        direction = trainer.objective.directions["genre"][number].detach().numpy()
        if name in tags.names:
            there = tags.names.index(name)
            np.testing.assert_allclose(direction, tags.directions[there] * tags.scale[there], rtol=1e-5)
            assert trainer.objective.offsets["genre"][number].item() == pytest.approx(tags.offset[there])
        else:
            assert np.array_equal(direction, from_nothing.objective.directions["genre"][number].detach().numpy())


def test_tags_of_a_space_of_their_own_say_nothing_of_the_whole_embedding(begin, artifact):
    shared = {"tags": 1.0, "disentangled": False}
    begun, from_nothing = begin(artifact, objective=shared), begin(folder="other", objective=shared)
    for name, parameter in begun.objective.named_parameters():
        assert torch.equal(parameter, dict(from_nothing.objective.named_parameters())[name])


def test_a_run_with_triplets_alone_takes_over_the_network(begin, artifact):
    begun = begin(artifact, objective={"triplet": 1.0})
    assert torch.equal(outputs(begun), outputs(begin(artifact, "other")))


def test_a_network_of_another_size_is_refused_with_every_difference(begin, artifact):
    network = {**SECTIONS["network"], "space_dimension": 8, "width": 0.25}
    with pytest.raises(TrainingImpossible) as raised:
        begin(artifact, network=network)
    assert "network.space_dimension is 6 and not 8" in str(raised.value)
    assert "network.width is 0.125 and not 0.25" in str(raised.value)


def test_another_encoder_is_refused(begin, artifact):
    other = replace(artifact, manifest=replace(artifact.manifest, name="librosa"))
    with pytest.raises(TrainingImpossible, match=r"cannot begin from an artifact of 'librosa'; name one of 'csn'"):
        begin(other)


def test_a_run_goes_on_only_if_it_began_alike(begin, artifact):
    begin(artifact).train_epoch(lambda *_: None)
    assert begin(artifact).epochs_done == 1
    with pytest.raises(TrainingInterrupted, match="holds a run of another"):
        begin()
