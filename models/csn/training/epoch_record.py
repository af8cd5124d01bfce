"""What became of an epoch."""

from collections.abc import Mapping
from dataclasses import dataclass

LOSS = "loss "
ACCURACY = "accuracy "
PANELS = {LOSS: "loss on training tracks", ACCURACY: "triplet accuracy on validation tracks"}


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What became of an epoch.

    Attributes:
        epoch: Counted from 1.
        seconds: That it took, validation included.
        learning_rate: At its end.
        losses: Means over its batches, by dimension.
        accuracies: On the validation tracks, by ``domain dimension``.
        error: One minus the mean of these, which training goes by.
    """

    epoch: int
    seconds: float
    learning_rate: float
    losses: Mapping[str, float]
    accuracies: Mapping[str, float]
    error: float

    def row(self) -> dict[str, str]:
        """As a line of the log."""
        losses = {f"{LOSS}{name}": f"{value:.5f}" for name, value in self.losses.items()}
        accuracies = {f"{ACCURACY}{name}": f"{value:.4f}" for name, value in self.accuracies.items()}
        plain = {"epoch": str(self.epoch), "seconds": f"{self.seconds:.1f}", "rate": f"{self.learning_rate:.3g}"}
        return plain | {"error": f"{self.error:.4f}"} | losses | accuracies
