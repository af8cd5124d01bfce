import numpy as np
import pytest
import torch

from models.errors import ArtifactInvalid
from models.taggers.weights import read_network


@pytest.mark.parametrize("name", ["msd_fcn", "mtat_crnn", "jamendo_musicnn"])
def test_a_file_in_the_published_form_is_read_in_evaluation_mode(tmp_path, write_weights, name):
    network, tags, digest = read_network(write_weights(tmp_path, name))
    assert not network.training
    assert len(set(tags)) == 50
    assert len(digest) == 64


def test_the_front_end_may_be_left_out(tmp_path, write_weights):
    path = write_weights(
        tmp_path,
        change=lambda tensors: {key: value for key, value in tensors.items() if not key.startswith("spec.")},
    )
    assert read_network(path)[0].input_samples == 464_000


@pytest.mark.parametrize("name", ["best_model", "msd_vgg", "gtzan_fcn"])
def test_a_name_that_does_not_say_which_tagger_it_is_is_refused(tmp_path, name):
    with pytest.raises(ArtifactInvalid, match=rf"{name}.*<dataset>_<network>\.pth.*msd_fcn\.pth"):
        read_network(tmp_path / f"{name}.pth")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ArtifactInvalid, match=r"msd_fcn\.pth cannot be read"):
        read_network(tmp_path / "msd_fcn.pth")


@pytest.mark.parametrize("content", [b"", b"RIFF and so on", b"PK\x03\x04 and no archive", b"\x80\x02X"])
def test_a_file_of_other_bytes_is_refused(tmp_path, content):
    path = tmp_path / "msd_fcn.pth"
    path.write_bytes(content)
    with pytest.raises(ArtifactInvalid, match="no file of PyTorch weights, or damaged"):
        read_network(path)


def test_a_file_that_breaks_off_is_refused(tmp_path, write_weights):
    path = write_weights(tmp_path)
    path.write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(ArtifactInvalid, match="damaged"):
        read_network(path)


def test_code_in_a_file_is_not_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return (tmp_path.joinpath("harm").mkdir, ())

    torch.save({"a": Harm()}, tmp_path / "msd_fcn.pth")
    with pytest.raises(ArtifactInvalid, match="damaged"):
        read_network(tmp_path / "msd_fcn.pth")
    assert not (tmp_path / "harm").exists()


def test_something_else_than_a_dictionary_of_tensors_is_refused(tmp_path):
    torch.save([torch.zeros(2)], tmp_path / "msd_fcn.pth")
    with pytest.raises(ArtifactInvalid, match="list; a dictionary of tensors"):
        read_network(tmp_path / "msd_fcn.pth")


def test_every_difference_in_the_tensors_is_named(tmp_path, write_weights):
    def change(tensors):
        del tensors["dense.bias"]
        return tensors | {
            "dense.weight": torch.zeros(50, 32),
            "extra": torch.zeros(1),
            "layer1.bn.weight": torch.full((64,), np.nan),
        }

    with pytest.raises(ArtifactInvalid) as caught:
        read_network(write_weights(tmp_path, change=change))
    message = str(caught.value)
    assert "dense.bias is missing" in message
    assert "extra is unknown" in message
    assert "dense.weight has the shape (50, 32) instead of (50, 64)" in message
    assert "layer1.bn.weight holds NaN or infinity" in message


def test_the_weights_of_another_network_are_refused_with_a_short_list(tmp_path, write_weights):
    path = write_weights(tmp_path, "msd_musicnn").rename(tmp_path / "msd_crnn.pth")
    with pytest.raises(ArtifactInvalid, match=r"not the network that its name promises: .*; and \d+ more\.$"):
        read_network(path)


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("spec.spectrogram.window", torch.ones(512)),
        ("spec.mel_scale.fb", torch.zeros(257, 96)),
        ("spec.mel_scale.fb", torch.zeros(257, 128)),
    ],
)
def test_weights_that_were_trained_with_another_front_end_are_refused(tmp_path, write_weights, key, other):
    with pytest.raises(ArtifactInvalid, match=f"another front end: its {key}"):
        read_network(write_weights(tmp_path, change=lambda tensors: tensors | {key: other}))
