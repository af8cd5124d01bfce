import json
from dataclasses import replace

import pytest
import torch

from models.artifact import MANIFEST, WEIGHTS, Artifact, read_artifact, write_artifact
from models.encoder import EncoderManifest, Space
from models.errors import ArtifactInvalid


@pytest.fixture
def manifest():
    return EncoderManifest(
        name="toy",
        version="3",
        digest="",
        spaces=(Space("timbre", 2, "Sound colour."),),
        sample_rate_hz=16_000,
        tags={"timbre": ("bright", "dark")},
        settings={"layers": [1, 2], "rate": 0.5},
        training={"data": "none"},
    )


@pytest.fixture
def tensors():
    return {"b": torch.arange(6.0).reshape(2, 3).T, "a": torch.tensor([1, 2])}


@pytest.fixture
def folder(tmp_path, manifest, tensors):
    write_artifact(tmp_path / "toy", manifest, tensors)
    return tmp_path / "toy"


def test_what_was_written_is_read_back(folder, manifest, tensors):
    artifact = read_artifact(folder)
    assert replace(artifact.manifest, digest="") == manifest
    assert artifact.tensors.keys() == tensors.keys()
    assert all(torch.equal(artifact.tensors[name], tensors[name]) for name in tensors)


def test_equal_artifacts_have_equal_digests(tmp_path, folder, manifest, tensors):
    again = write_artifact(tmp_path / "again", manifest, dict(reversed(tensors.items())))
    assert again.digest == read_artifact(folder).manifest.digest


def test_the_digest_covers_weights_and_manifest(tmp_path, manifest, tensors):
    first = write_artifact(tmp_path / "1", manifest, tensors).digest
    other_weights = write_artifact(tmp_path / "2", manifest, {**tensors, "a": torch.tensor([1, 3])}).digest
    other_manifest = write_artifact(tmp_path / "3", replace(manifest, version="4"), tensors).digest
    assert len({first, other_weights, other_manifest}) == 3


def test_changed_weights_are_noticed(folder):
    weights = bytearray((folder / WEIGHTS).read_bytes())
    weights[-1] ^= 1
    (folder / WEIGHTS).write_bytes(weights)
    with pytest.raises(ArtifactInvalid, match="was changed"):
        read_artifact(folder)


def test_a_changed_manifest_is_noticed(folder):
    fields = json.loads((folder / MANIFEST).read_text())
    fields["spaces"][0]["description"] = "Something else."
    (folder / MANIFEST).write_text(json.dumps(fields))
    with pytest.raises(ArtifactInvalid, match="was changed"):
        read_artifact(folder)


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
@pytest.mark.parametrize("harm", ["missing", "empty", "garbage"])
def test_a_damaged_file_is_refused_with_its_place(folder, name, harm):
    if harm == "missing":
        (folder / name).unlink()
    else:
        (folder / name).write_bytes({"empty": b"", "garbage": b"\xff" * 100}[harm])
    with pytest.raises(ArtifactInvalid, match="toy"):
        read_artifact(folder)


def test_a_manifest_without_its_fields_names_them(folder):
    (folder / MANIFEST).write_text('{"name": "toy", "spaces": [{"name": "timbre"}]}')
    with pytest.raises(ArtifactInvalid, match=r"version.*spaces.0.dimension"):
        read_artifact(folder)


def test_writing_again_replaces_the_old_one_and_leaves_nothing_behind(tmp_path, folder, manifest, tensors):
    write_artifact(folder, replace(manifest, version="4"), tensors)
    assert read_artifact(folder).manifest.version == "4"
    assert [path.name for path in tmp_path.iterdir()] == ["toy"]


def test_tensors_are_asked_for_with_their_shape(manifest, tensors):
    artifact = Artifact(manifest, tensors)
    assert artifact.tensor("b", 3, 2).shape == (3, 2)
    with pytest.raises(ArtifactInvalid, match="lack the tensor 'c'"):
        artifact.tensor("c", 1)
    with pytest.raises(ArtifactInvalid, match=r"has the shape \(3, 2\).*asks for \(2, 3\)"):
        artifact.tensor("b", 2, 3)
