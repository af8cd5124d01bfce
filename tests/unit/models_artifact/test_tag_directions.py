"""Tags as directions: written beside the weights, read back, and refused when they are damaged."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.artifact import Artifact, read_artifact, write_artifact
from models.encoder import EncoderManifest, Space
from models.errors import ArtifactInvalid
from models.tag_directions import TagDirections

MANIFEST = EncoderManifest(
    name="toy",
    version="1",
    digest="",
    spaces=(Space("genre", 3), Space("mood", 2)),
    sample_rate_hz=16_000,
    tags={"genre": ("ambient", "jazz"), "mood": ("ambient",)},
)


def floats(*rows):
    return np.array(rows, np.float32)


@pytest.fixture
def tags():
    return {
        "genre": TagDirections(("ambient", "jazz"), floats([1, 0, 0], [0, 0.6, 0.8]), floats(2, 3), floats(0, -1)),
        "mood": TagDirections(("ambient",), floats([0, -1]), floats(1), floats(0.5)),
    }


@pytest.fixture
def artifact(tags):
    return Artifact(MANIFEST, tags["genre"].tensors("genre") | tags["mood"].tensors("mood"))


def test_what_was_written_beside_the_weights_is_read_back(tmp_path, tags, artifact):
    write_artifact(tmp_path / "toy", MANIFEST, artifact.tensors)
    again = read_artifact(tmp_path / "toy")
    for space, expected in tags.items():
        read = again.tag_directions(space)
        assert read.names == expected.names
        for name in ("directions", "scale", "offset"):
            np.testing.assert_array_equal(getattr(read, name), getattr(expected, name))


def test_weights_in_half_precision_are_read_as_float32(artifact):
    halves = Artifact(MANIFEST, {name: tensor.half() for name, tensor in artifact.tensors.items()})
    assert halves.tag_directions("genre").directions.dtype == np.float32


def damaged(artifact, name, tensor):
    return Artifact(MANIFEST, {**artifact.tensors, f"tags.genre.{name}": torch.tensor(tensor)})


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("directions", [[1.0, 0.0], [0.0, 1.0]], r"has the shape \(2, 2\).*asks for \(2, 3\)"),
        ("scale", [1.0], r"has the shape \(1,\).*asks for \(2,\)"),
        ("directions", [[1.0, 0.0, 0.0], [0.0, 0.6, 0.9]], "'jazz' has a direction that is not of unit length"),
        ("directions", [[0.0, 0.0, 0.0]] * 2, r"'ambient' \(and 1 others\) has a direction that is not of unit"),
        ("scale", [1.0, 0.0], "'jazz' has a scale that is not above 0"),
        ("offset", [float("nan"), 0.0], "not finite"),
        ("directions", [[float("inf"), 0.0, 0.0]] * 2, "not finite"),
    ],
)
def test_damaged_tensors_are_refused_with_what_is_wrong(artifact, name, tensor, message):
    with pytest.raises(ArtifactInvalid, match=message):
        damaged(artifact, name, tensor).tag_directions("genre")


def test_tensors_that_are_missing_are_named(artifact):
    for name in tuple(artifact.tensors):
        lacking = Artifact(MANIFEST, {key: value for key, value in artifact.tensors.items() if key != name})
        with pytest.raises(ArtifactInvalid, match=f"lack the tensor '{name}'"):
            lacking.tag_directions(name.split(".")[1])


@pytest.mark.parametrize(
    ("vocabulary", "space", "message"),
    [
        ({}, "genre", "names no tags"),
        ({"genre": ("jazz", " ")}, "genre", "blank"),
        ({"genre": ("jazz", "jazz")}, "genre", "'jazz' stands there twice"),
        ({"era": ("80s",)}, "era", "no such space"),
    ],
)
def test_names_that_do_not_fit_are_refused(artifact, vocabulary, space, message):
    with pytest.raises(ArtifactInvalid, match=rf"'toy' in the space '{space}' cannot be used: .*{message}"):
        Artifact(replace(MANIFEST, tags=vocabulary), artifact.tensors).tag_directions(space)


def test_who_trains_cannot_make_directions_that_nobody_could_read():
    with pytest.raises(ValueError, match=r"2 names go with arrays of the shapes \[\(2, 3\), \(2,\), \(2,\)\]"):
        TagDirections(("a", "b"), floats([1, 0, 0]), floats(1), floats(0))
    with pytest.raises(ValueError, match="shapes"):
        TagDirections(("a",), np.array(1.0, np.float32), floats(1), floats(0))
