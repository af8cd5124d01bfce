"""Where a run stands, on disk: everything that is needed to go on as if nothing had happened."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import torch

from models.errors import TrainingInterrupted
from models.whole_file import whole_file

LAST = "last.pt"
BEST = "best.pt"


class Checkpoint(Protocol):
    """State after an epoch: a dataclass of what ``torch.load`` reads without running code.

    Attributes:
        identity: What the run learns, and from what: a run with another one cannot go on from here.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    identity: str


Kind = TypeVar("Kind", bound=Checkpoint)


def save(checkpoint: Checkpoint, path: Path) -> None:
    """Write a checkpoint whole or not at all.

    Raises:
        TrainingInterrupted: There is no room, or no right to write; the checkpoint before stays.
    """
    try:
        with whole_file(path) as part:
            torch.save(asdict(checkpoint), part)
    except (OSError, RuntimeError) as error:
        raise TrainingInterrupted(
            f"The checkpoint {path} cannot be written ({error}). Make room for it: the same command goes on from "
            "the epoch before."
        ) from error


def load(kind: type[Kind], path: Path, identity: str) -> Kind:
    """Read a checkpoint of the same run, to the CPU.

    Raises:
        TrainingInterrupted: It is damaged, or of another run.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        same = state["identity"] == identity
        found = kind(**state) if same else None
    except Exception as error:  # torch raises whatever it comes upon in damaged bytes
        reason = str(error) if isinstance(error, OSError) else "it is damaged"
        raise TrainingInterrupted(
            f"The checkpoint {path} cannot be read ({reason}). Remove {LAST} to begin anew, or name another folder."
        ) from error
    if found is None:
        raise TrainingInterrupted(
            f"{path.parent} holds a run of another model, objective or data. Name another folder, or remove "
            f"{LAST} to begin anew. (How fast it learns and the number of epochs may change.)"
        )
    return found
