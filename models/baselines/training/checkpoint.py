"""Where a run stands after an epoch."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class PairCheckpoint:
    """State after an epoch.

    Attributes:
        identity: What the run learns, and from what: a run with another one cannot go on from here.
        epoch: Epochs that are done.
        network: Parameters and statistics.
        objective: Likewise.
        optimiser: Its state.
        best_error: Lowest validation loss so far.
        best_epoch: When that was.
    """

    identity: str
    epoch: int = 0
    network: dict[str, Any] = field(default_factory=dict)
    objective: dict[str, Any] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    best_error: float = float("inf")
    best_epoch: int = 0
