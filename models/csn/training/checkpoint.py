"""Where a run stands after an epoch."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class CsnCheckpoint:
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
