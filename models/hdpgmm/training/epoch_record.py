"""What became of an epoch."""

from dataclasses import dataclass

BOUND = "bound "
COMPONENTS = "components "
PANELS = {BOUND: "evidence lower bound per frame, nats", COMPONENTS: "components"}


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """What became of an epoch.

    Attributes:
        epoch: Counted from 1.
        seconds: That it took, validation included.
        rate: Of its last step.
        bound: Evidence lower bound of the corpus per frame, in nats, mean over the minibatches.
        held_out: The validation songs' part of it, per frame: what the mixture makes of songs it has not learnt.
        in_use: Components that hold a thousandth of the frames or more.
        effective: Components by the entropy of their shares: so many of equal size would be as varied.
    """

    epoch: int
    seconds: float
    rate: float
    bound: float
    held_out: float
    in_use: int
    effective: float

    def row(self) -> dict[str, str]:
        """As a line of the log."""
        return {
            "epoch": str(self.epoch),
            "seconds": f"{self.seconds:.1f}",
            "rate": f"{self.rate:.4g}",
            f"{BOUND}training": f"{self.bound:.4f}",
            f"{BOUND}held out": f"{self.held_out:.4f}",
            f"{COMPONENTS}in use": str(self.in_use),
            f"{COMPONENTS}effective": f"{self.effective:.1f}",
        }
