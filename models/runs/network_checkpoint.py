"""Where the run of a network stands after an epoch."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class NetworkCheckpoint:
    """State after an epoch.

    Attributes:
        identity: What the run learns, and from what: a run with another one cannot go on from here.
        epoch: Epochs that are done.
        modules: Parameters and statistics of the lesson's modules.
        optimiser: Its state.
        best_error: The least so far.
    """

    identity: str
    epoch: int = 0
    modules: dict[str, Any] = field(default_factory=dict)
    optimiser: dict[str, Any] = field(default_factory=dict)
    best_error: float = float("inf")
