"""Trained encoders on disk: a folder with ``manifest.json`` and ``weights.safetensors``.

The digest in the manifest is the SHA-256 over the rest of the manifest (canonical JSON) and the bytes of the
weights. It is checked whenever an artifact is read, so a vector's digest says exactly what made it.
"""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor
from torch.nn import Module

from models.encoder import EncoderManifest, Floats
from models.errors import ArtifactInvalid, ArtifactUnwritable
from models.tag_directions import TagDirections, tensor_names

MANIFEST = "manifest.json"
WEIGHTS = "weights.safetensors"
_MANIFEST = TypeAdapter(EncoderManifest)


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """A trained encoder as read from disk: what it says of itself, and its tensors by name (on the CPU)."""

    manifest: EncoderManifest
    tensors: Mapping[str, Tensor]

    def tensor(self, name: str, *shape: int) -> Tensor:
        """One tensor of the weights.

        Raises:
            ArtifactInvalid: It is missing, or not of this shape.
        """
        if name not in self.tensors:
            raise ArtifactInvalid(f"The weights of encoder {self.manifest.name!r} lack the tensor {name!r}.")
        tensor = self.tensors[name]
        if tuple(tensor.shape) != shape:
            raise ArtifactInvalid(
                f"Tensor {name!r} of encoder {self.manifest.name!r} has the shape {tuple(tensor.shape)}; "
                f"its manifest asks for {shape}."
            )
        return tensor

    def fill(self, network: Module, prefix: str) -> None:
        """Fill in a network's weights, whatever their precision; what counts batches in it is not kept.

        Raises:
            ArtifactInvalid: They are those of another network.
        """
        state = network.state_dict()
        for name, tensor in state.items():
            if tensor.is_floating_point():
                state[name] = self.tensor(f"{prefix}{name}", *tensor.shape).to(tensor.dtype)
        network.load_state_dict(state)

    def tag_directions(self, space: str) -> TagDirections:
        """The tags of one space, with the names that the manifest gives them.

        Raises:
            ArtifactInvalid: The manifest has no such space or no tags in it, or the tensors are missing or damaged.
        """
        names = self.manifest.tags.get(space, ())
        dimensions = {each.name: each.dimension for each in self.manifest.spaces}
        if space not in dimensions or not names:
            raise self._tags_invalid(space, "the manifest has no such space, or names no tags in it")
        directions, scale, offset = tensor_names(space)
        try:
            return TagDirections(
                names,
                self._floats(directions, len(names), dimensions[space]),
                self._floats(scale, len(names)),
                self._floats(offset, len(names)),
            )
        except ValueError as error:
            raise self._tags_invalid(space, str(error)) from error

    def _tags_invalid(self, space: str, fault: str) -> ArtifactInvalid:
        return ArtifactInvalid(
            f"The tags of encoder {self.manifest.name!r} in the space {space!r} cannot be used: {fault}. "
            "Fetch the artifact again or train it anew."
        )

    def _floats(self, name: str, *shape: int) -> Floats:
        return self.tensor(name, *shape).float().numpy()


def check_inputs(manifest: EncoderManifest, version: int, sample_rate_hz: int) -> None:
    """Make sure that an encoder hears what it was trained on: its manifest states ``inputs_version``.

    Raises:
        ArtifactInvalid: It was trained on another version of its inputs, or at another rate.
    """
    stated, rate_hz = manifest.settings.get("inputs_version"), manifest.sample_rate_hz
    if (stated, rate_hz) != (version, sample_rate_hz):
        raise ArtifactInvalid(
            f"The artifact of encoder {manifest.name!r} was trained on version {stated} of its inputs at {rate_hz} "
            f"Hz; this is version {version} at {sample_rate_hz} Hz. Train it anew: python -m models train "
            f"{manifest.name}."
        )


def read_artifact(folder: Path) -> Artifact:
    """Read and check an artifact.

    Raises:
        ArtifactInvalid: A file is missing or damaged, or the digest does not fit.
    """
    manifest = _read_manifest(folder / MANIFEST)
    try:
        weights = (folder / WEIGHTS).read_bytes()
        tensors = load(weights)
    except (OSError, SafetensorError) as error:
        raise ArtifactInvalid(f"The weights in {folder} cannot be read: {error}") from error
    if manifest.digest != digest_of(manifest, weights):
        raise ArtifactInvalid(
            f"The artifact in {folder} was changed after it was written: its digest does not fit. "
            "Fetch it again or train it anew."
        )
    return Artifact(manifest, tensors)


def check_place(folder: Path) -> None:
    """Make sure that an artifact can be written: it replaces the folder whole, so nothing else may be in it.

    Raises:
        ArtifactUnwritable: The folder cannot be made or written, or holds what is no artifact.
    """
    try:
        others = {entry.name for entry in folder.iterdir()} - {MANIFEST, WEIGHTS} if folder.exists() else set()
        folder.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder.parent).close()
    except OSError as error:
        raise ArtifactUnwritable(
            f"No artifact can be written to {folder} ({error}). Name another folder."
        ) from error
    if others:
        raise ArtifactUnwritable(
            f"{folder} holds other files, such as {min(others)!r}, which an artifact would replace. "
            "Name a new folder, or that of an artifact."
        )


def write_artifact(folder: Path, manifest: EncoderManifest, tensors: Mapping[str, Tensor]) -> EncoderManifest:
    """Write an artifact, so that nobody reads half of it; returns the manifest with its digest.

    Raises:
        ArtifactUnwritable: The folder cannot be written, or holds what is no artifact.
    """
    check_place(folder)
    weights = save({name: tensor.cpu().contiguous() for name, tensor in sorted(tensors.items())})
    complete = replace(manifest, digest=digest_of(manifest, weights))
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as made:
        new = Path(made) / "new"
        new.mkdir()
        (new / WEIGHTS).write_bytes(weights)
        (new / MANIFEST).write_text(json.dumps(asdict(complete), indent=2) + "\n", encoding="utf-8")
        if folder.exists():
            folder.rename(Path(made) / "old")
        new.rename(folder)
    return complete


def digest_of(manifest: EncoderManifest, weights: bytes) -> str:
    """SHA-256, in hexadecimal, over the manifest without its digest and the bytes of the weights."""
    fields = asdict(replace(manifest, digest=""))
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    return sha256(len(canonical).to_bytes(8, "big") + canonical + weights).hexdigest()


def _read_manifest(path: Path) -> EncoderManifest:
    try:
        return _MANIFEST.validate_json(path.read_bytes())
    except OSError as error:
        raise ArtifactInvalid(f"The manifest {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ArtifactInvalid(f"The manifest {path} is not one of an encoder: {faults}") from error
