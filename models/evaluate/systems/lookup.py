"""Systems by the names that the command line takes."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch

from models.artifact import read_artifact
from models.encoder import Encoder
from models.errors import ArtifactInvalid, EvaluationImpossible
from models.evaluate.system import System
from models.evaluate.systems.bliss import BlissSystem
from models.evaluate.systems.encoder import EncoderSystem
from models.evaluate.systems.frames import CodebookSystem, GaussianSystem
from models.evaluate.systems.random_vectors import RandomSystem
from models.evaluate.systems.shortcuts import ClipFactsSystem, FileFactsSystem
from models.evaluate.systems.tagger import TaggerSystem
from models.registry import ENCODERS, load_encoder, resolve_device

TAGGER = "tagger:"
PEERS: Mapping[str, Callable[[int], System]] = {
    "g1": lambda _: GaussianSystem(),
    "vq": CodebookSystem,
    "bliss": lambda _: BlissSystem(),
    "file-facts": lambda _: FileFactsSystem(),
    "clip-facts": lambda _: ClipFactsSystem(),
    "random-vectors": RandomSystem,
}
"""By name, from a seed."""


def make_system(spec: str, *, device: str = "auto", seed: int = 0) -> System:
    """A system by its name.

    Args:
        spec: A name of ``PEERS``; a registered encoder, shipped (``librosa``) or of a folder with an artifact
            (``librosa@runs/mine``); or a tagger by its weights (``tagger:weights/msd_fcn.pth``). The methods ``g1``
            and ``vq`` are both: by their bare names they learn from the training tracks of the collection that is
            asked about, with a folder they have learnt before, as its artifact says.
        device: Of encoders, as ``models.registry.resolve_device`` takes it; taggers run on the CPU.
        seed: Of what is drawn.

    Raises:
        EvaluationImpossible: No system is called so.
        ArtifactInvalid: The folder's artifact is damaged or of another encoder, or a tagger's weights are.
        DeviceUnavailable: The device is not there.
        ToolMissing: The system needs what is not installed.
    """
    if spec in PEERS:
        return PEERS[spec](seed)
    if spec.startswith(TAGGER):
        return TaggerSystem(Path(spec.removeprefix(TAGGER)))
    name, _, folder = spec.partition("@")
    if name not in ENCODERS:
        encoders = sorted(ENCODERS.keys() - PEERS)
        raise EvaluationImpossible(
            f"No system is called {spec!r}. Known are {', '.join((*encoders, *PEERS))}, ENCODER@FOLDER "
            "with the folder of an artifact, and tagger:FILE with the weights of a tagger."
        )
    if not folder:
        return EncoderSystem(load_encoder(name, device), spec)
    return EncoderSystem(_load(name, Path(folder), resolve_device(device)), spec)


def _load(name: str, folder: Path, device: torch.device) -> Encoder:
    artifact = read_artifact(folder)
    if artifact.manifest.name != name:
        raise ArtifactInvalid(f"{folder} holds an artifact of encoder {artifact.manifest.name!r}, not {name!r}.")
    return ENCODERS[name](artifact, device)
