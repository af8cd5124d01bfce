from dataclasses import replace

import pytest
import torch

from models.artifact import read_artifact, write_artifact
from models.errors import ArtifactInvalid, DeviceUnavailable, UnknownEncoder
from models.registry import SHIPPED, artifact_folder, available_encoders, load_encoder, resolve_device


def test_the_shipped_encoder_is_found():
    assert "librosa" in available_encoders()
    assert load_encoder("librosa", "cpu").manifest.name == "librosa"


@pytest.mark.parametrize("name", available_encoders())
def test_shipped_artifacts_are_small_and_name_no_path(name):
    files = list((SHIPPED / name).iterdir())
    assert sum(path.stat().st_size for path in files) < 12_000_000
    assert b"/" not in (SHIPPED / name / "manifest.json").read_bytes()


def test_an_own_artifact_goes_before_the_shipped_one(tmp_path):
    shipped = read_artifact(SHIPPED / "librosa")
    write_artifact(tmp_path / "librosa", replace(shipped.manifest, version="own"), shipped.tensors)
    assert load_encoder("librosa", "cpu", [tmp_path]).manifest.version == "own"
    assert load_encoder("librosa", "cpu", [tmp_path / "empty"]).manifest.version != "own"


def test_an_unknown_encoder_is_refused_with_the_known_ones():
    with pytest.raises(UnknownEncoder, match=r"'musicnn'.*librosa"):
        load_encoder("musicnn", "cpu")


def test_a_missing_artifact_is_reported_with_where_it_was_sought(tmp_path):
    with pytest.raises(UnknownEncoder, match=str(tmp_path)):
        artifact_folder("none such", [tmp_path])


def test_the_artifact_of_another_encoder_is_refused(tmp_path):
    shipped = read_artifact(SHIPPED / "librosa")
    write_artifact(tmp_path / "librosa", replace(shipped.manifest, name="other"), shipped.tensors)
    with pytest.raises(ArtifactInvalid, match="'other'"):
        load_encoder("librosa", "cpu", [tmp_path])


@pytest.mark.parametrize(
    "change",
    [
        {"settings": {"statistics_version": 0}},
        {"sample_rate_hz": 16_000},
        {"spaces": ()},
    ],
)
def test_an_artifact_that_does_not_fit_the_code_is_refused(tmp_path, change):
    shipped = read_artifact(SHIPPED / "librosa")
    write_artifact(tmp_path / "librosa", replace(shipped.manifest, **change), shipped.tensors)
    with pytest.raises(ArtifactInvalid):
        load_encoder("librosa", "cpu", [tmp_path])


def test_auto_takes_the_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device("auto") == torch.device("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("device", ["cuda", "cuda:0", "cuda:7"])
def test_a_gpu_that_is_not_there_is_an_error(device, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(DeviceUnavailable, match=device):
        resolve_device(device)


def test_a_gpu_that_is_there_is_taken_by_its_number(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(DeviceUnavailable, match="2 CUDA devices"):
        resolve_device("cuda:2")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x", "mps"])
def test_what_is_no_device_here_is_an_error(device):
    with pytest.raises(DeviceUnavailable):
        resolve_device(device)
