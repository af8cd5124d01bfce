"""What became of an epoch."""

from dataclasses import dataclass

LOSS = "loss "
FOUND = "found "
PANELS = {LOSS: "loss", FOUND: "crops whose nearest other crop is of their song"}


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What became of an epoch.

    Attributes:
        epoch: Counted from 1.
        seconds: That it took, validation included.
        rate: At its end.
        loss: On training songs, mean over the batches.
        held_out: On validation songs, which training goes by.
        found: Share of the validation songs' crops whose nearest other crop, by cosine, is of the same song.
    """

    epoch: int
    seconds: float
    rate: float
    loss: float
    held_out: float
    found: float

    def row(self) -> dict[str, str]:
        """As a line of the log."""
        return {
            "epoch": str(self.epoch),
            "seconds": f"{self.seconds:.1f}",
            "rate": f"{self.rate:.4g}",
            f"{LOSS}training": f"{self.loss:.5f}",
            f"{LOSS}held out": f"{self.held_out:.5f}",
            f"{FOUND}held out": f"{self.found:.4f}",
        }
