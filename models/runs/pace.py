"""How fast and how long a network learns: the part of a configuration that a trainer goes by."""

import math
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

LEAST_RATE = 1e-3
"""Where a cosine ends, relative to where it begins."""

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Pace(BaseModel):
    """The optimiser, Adam, and its rate; all but the weight decay may change on the way.

    Attributes:
        epochs: After each of which there is a checkpoint.
        learning_rate: Of Adam.
        weight_decay: Added to the gradients (L2): a part of what is minimised.
        schedule: Whether the rate stays ``constant`` or falls along a ``cosine`` to zero.
        warm_up: Batches in which the rate rises, along a line, to what the schedule has.
        clip: Longest norm of all gradients together; 0 leaves them as they are.
        precision: Of the network's arithmetic; ``auto`` takes bfloat16 where the device computes with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Annotated[int, Field(ge=1)] = 100
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    weight_decay: NotNegative = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    warm_up: Annotated[int, Field(ge=0)] = 0
    clip: NotNegative = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def rate(self, batches_done: int, batches_per_epoch: int) -> float:
        """Of the batch after so many of the run."""
        risen = min(1.0, (batches_done + 1) / max(1, self.warm_up))
        if self.schedule == "constant":
            return self.learning_rate * risen
        done = min(1.0, batches_done / (batches_per_epoch * self.epochs))
        return self.learning_rate * risen * max(LEAST_RATE, (1 + math.cos(math.pi * done)) / 2)

    def identity(self, *learnt: str) -> str:
        """SHA-256 of what is ``learnt`` from what by this configuration; the same whatever the pace is."""
        stated = self.model_dump_json(exclude=set(Pace.model_fields) - {"weight_decay"})
        return sha256("\n".join([stated, *learnt]).encode()).hexdigest()
