"""Where a run stands, on disk: everything that is needed to go on as if nothing had happened."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from models.errors import TrainingInterrupted
from models.whole_file import whole_file

LAST = "last.pt"
BEST = "best.pt"


@dataclass(slots=True)
class Checkpoint:
    """State after an epoch.

    Attributes:
        identity: What the run learns, and from what: a run with another one cannot go on from here.
        epoch: Epochs that are done.
        network: Parameters and statistics.
        objective: Likewise.
        optimiser: Its state, ``None`` where only the network counts.
        schedules: States of what changes the rate.
        pace: What they were made of: with another one they begin anew.
        best_error: Lowest validation error so far.
        best_epoch: When that was.
    """

    identity: str
    epoch: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    schedules: list[dict[str, Any]] = field(default_factory=list)
    pace: str = ""
    best_error: float = float("inf")
    best_epoch: int = 0


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


def load(path: Path, identity: str) -> Checkpoint:
    """Read a checkpoint of the same run, to the CPU.

    Raises:
        TrainingInterrupted: It is damaged, or of another run.
    """
    try:
        found = Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # torch raises whatever it comes upon in damaged bytes
        reason = str(error) if isinstance(error, OSError) else "it is damaged"
        raise TrainingInterrupted(
            f"The checkpoint {path} cannot be read ({reason}). Remove {LAST} to begin anew, or name another folder."
        ) from error
    if found.identity != identity:
        raise TrainingInterrupted(
            f"{path.parent} holds a run of another network, objective or data. Name another folder, or remove "
            f"{LAST} to begin anew. (The optimiser's settings and the number of epochs may change.)"
        )
    return found
