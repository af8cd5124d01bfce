"""Published weights of the taggers, read from a path and checked; none are part of Soundkin.

They are the files ``models/<dataset>/<network>/best_model.pth`` of minzwon/sota-music-tagging-models (MIT licence),
named ``<dataset>_<network>.pth``, for example ``msd_fcn.pth``.
"""

from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from models.errors import ArtifactInvalid
from models.taggers.front_end import mel_filters, window
from models.taggers.networks import NETWORKS, Network
from models.taggers.vocabulary import VOCABULARIES

FRONT_END = {"spec.spectrogram.window": window, "spec.mel_scale.fb": mel_filters}
"""Tensors that torchaudio stores beside the weights and the function that makes ours."""

FRONT_END_TOLERANCE = 1e-3
"""torchaudio computes its filters in single precision: they differ by 1e-5."""


def read_network(path: Path) -> tuple[Network, tuple[str, ...], str]:
    """The network in evaluation mode, its tags, and the SHA-256 of the file.

    Raises:
        ArtifactInvalid: The file is missing, damaged, or holds other tensors than its name promises.
    """
    tags, network = _promised(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactInvalid(f"The tagger weights {path} cannot be read: {error}") from error
    tensors = _tensors(path, content)
    _check_front_end(path, tensors)
    weights = {name: tensor for name, tensor in tensors.items() if name not in FRONT_END}
    _check_shapes(path, weights, network.state_dict())
    network.load_state_dict(weights)
    return network.eval(), tags, sha256(content).hexdigest()


def _promised(path: Path) -> tuple[tuple[str, ...], Network]:
    dataset, _, kind = path.stem.partition("_")
    if dataset not in VOCABULARIES or kind not in NETWORKS:
        raise ArtifactInvalid(
            f"{path.name} does not say which tagger it is: the name must be <dataset>_<network>.pth with a dataset "
            f"of {', '.join(VOCABULARIES)} and a network of {', '.join(NETWORKS)}, for example msd_fcn.pth."
        )
    return VOCABULARIES[dataset], NETWORKS[kind]()


def _tensors(path: Path, content: bytes) -> dict[str, Tensor]:
    try:
        loaded = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler fails in a dozen ways on damaged bytes
        raise ArtifactInvalid(f"{path} is no file of PyTorch weights, or damaged: {error}") from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ArtifactInvalid(f"{path} holds {type(loaded).__name__}; a dictionary of tensors was expected.")
    return dict(loaded)


def _check_front_end(path: Path, tensors: Mapping[str, Tensor]) -> None:
    for name, make in FRONT_END.items():
        theirs, ours = tensors.get(name), make()
        if theirs is not None and not (
            theirs.shape == ours.shape and torch.allclose(theirs, ours, atol=FRONT_END_TOLERANCE)
        ):
            raise ArtifactInvalid(
                f"{path} was trained with another front end: its {name} of the shape {tuple(theirs.shape)} differs "
                f"from the expected one of the shape {tuple(ours.shape)} (16 kHz, 512 samples, 96 HTK mel bands)."
            )


def _check_shapes(path: Path, came: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    faults = [f"{name} is missing" for name in expected if name not in came]
    faults += [f"{name} is unknown" for name in came if name not in expected]
    faults += [
        f"{name} has the shape {tuple(came[name].shape)} instead of {tuple(tensor.shape)}"
        for name, tensor in expected.items()
        if name in came and came[name].shape != tensor.shape
    ]
    faults += [f"{name} holds NaN or infinity" for name, tensor in came.items() if not tensor.isfinite().all()]
    if faults:
        shown = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")  # noqa: PLR2004
        raise ArtifactInvalid(f"{path} is not the network that its name promises: {shown}.")
