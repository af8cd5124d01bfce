"""Which encoders there are, where their artifacts lie, and on which device they run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch

from models.artifact import MANIFEST, Artifact, read_artifact
from models.baselines.clmr import ClmrEncoder
from models.baselines.gaussian import GaussianEncoder
from models.baselines.kim import KimEncoder
from models.baselines.lstm import LstmEncoder
from models.baselines.vq import VqEncoder
from models.csn.encoder import CsnEncoder
from models.descriptor import DescriptorEncoder
from models.encoder import Encoder
from models.errors import ArtifactInvalid, DeviceUnavailable, UnknownEncoder
from models.hdpgmm.encoder import HdpgmmEncoder
from models.wavenet.encoder import WavenetEncoder

SHIPPED = Path(__file__).parent / "weights"


class EncoderClass(Protocol):
    """What builds an encoder of one kind from its artifact."""

    def __call__(self, artifact: Artifact, device: torch.device) -> Encoder:
        """Build the encoder, ready to run on ``device``.

        Raises:
            ArtifactInvalid: The tensors do not fit the manifest.
        """


ENCODERS: Mapping[str, EncoderClass] = {
    "clmr": ClmrEncoder,
    "csn": CsnEncoder,
    "g1": GaussianEncoder,
    "hdpgmm": HdpgmmEncoder,
    "kim": KimEncoder,
    "librosa": DescriptorEncoder,
    "lstm": LstmEncoder,
    "vq": VqEncoder,
    "wavenet": WavenetEncoder,
}


def load_encoder(name: str, device: str | torch.device = "auto", artifacts_dirs: Sequence[Path] = ()) -> Encoder:
    """Load an encoder by its registered name.

    Args:
        name: For example ``librosa``.
        device: As ``resolve_device`` takes it.
        artifacts_dirs: Folders that hold one folder per encoder; searched in order, before what is shipped.

    Raises:
        UnknownEncoder: No such encoder, or no artifact of it.
        ArtifactInvalid: Its artifact is damaged.
        DeviceUnavailable: The device is not there.
    """
    if name not in ENCODERS:
        raise UnknownEncoder(f"There is no encoder {name!r}. Known are: {', '.join(sorted(ENCODERS))}.")
    artifact = read_artifact(artifact_folder(name, artifacts_dirs))
    if artifact.manifest.name != name:
        raise ArtifactInvalid(f"The artifact found for encoder {name!r} is one of {artifact.manifest.name!r}.")
    return ENCODERS[name](artifact, resolve_device(device))


def available_encoders(artifacts_dirs: Sequence[Path] = ()) -> tuple[str, ...]:
    """Names of the encoders whose artifact is at hand."""
    return tuple(name for name in sorted(ENCODERS) if _folders(name, artifacts_dirs))


def artifact_folder(name: str, artifacts_dirs: Sequence[Path] = ()) -> Path:
    """The first folder that holds an artifact of this encoder.

    Raises:
        UnknownEncoder: None does.
    """
    folders = _folders(name, artifacts_dirs)
    if not folders:
        searched = ", ".join(str(folder) for folder in (*artifacts_dirs, SHIPPED))
        raise UnknownEncoder(f"No artifact of encoder {name!r} lies in {searched}. Train it or fetch it.")
    return folders[0]


def resolve_device(device: str | torch.device = "auto") -> torch.device:
    """The device that was asked for, or an error: nothing falls back in silence.

    Args:
        device: ``cpu``, ``cuda``, ``cuda:N``, or ``auto`` for the GPU where there is one and else the CPU.

    Raises:
        DeviceUnavailable: It is not there, or no device is called so.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise DeviceUnavailable(f"{device!r} is no device. Ask for auto, cpu, cuda or cuda:N.") from error
    if wanted.type == "cpu":
        return wanted
    count = torch.cuda.device_count() if wanted.type == "cuda" else 0
    if (wanted.index or 0) >= count:
        raise DeviceUnavailable(
            f"The device {str(wanted)!r} was asked for, and there are {count} CUDA devices. Ask for cpu or auto."
        )
    return wanted


def _folders(name: str, artifacts_dirs: Sequence[Path]) -> list[Path]:
    return [folder / name for folder in (*artifacts_dirs, SHIPPED) if (folder / name / MANIFEST).is_file()]
