"""Where a run stands after an epoch."""

from dataclasses import dataclass, field

from torch import Tensor


@dataclass(slots=True)
class MixtureCheckpoint:
    """State after an epoch.

    Attributes:
        identity: What the run learns, and from what: a run with another one cannot go on from here.
        epoch: Epochs that are done.
        updates: Of the posterior.
        tensors: Posterior and whitening, as ``models.hdpgmm.tensors`` names them.
    """

    identity: str
    epoch: int = 0
    updates: int = 0
    tensors: dict[str, Tensor] = field(default_factory=dict)
