"""What became of an epoch of a network."""

from collections.abc import Mapping
from dataclasses import dataclass

LOSS = "loss "
"""How the columns of losses begin."""


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What became of an epoch.

    Attributes:
        epoch: Counted from 1.
        seconds: That it took, validation included.
        rate: At its end.
        loss: On training tracks, mean over the batches.
        figures: On validation tracks, by their columns of the log.
    """

    epoch: int
    seconds: float
    rate: float
    loss: float
    figures: Mapping[str, float]

    def row(self) -> dict[str, str]:
        """As a line of the log."""
        return {
            "epoch": str(self.epoch),
            "seconds": f"{self.seconds:.1f}",
            "rate": f"{self.rate:.4g}",
            f"{LOSS}training": f"{self.loss:.5f}",
            **{name: f"{figure:.5f}" for name, figure in self.figures.items()},
        }
