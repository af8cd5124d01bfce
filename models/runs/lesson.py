"""What a run learns, and how it is judged: all that a trainer of networks has to be told."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from torch import Tensor, nn

Batch = TypeVar("Batch")


class Lesson(Protocol[Batch]):
    """What a network is to learn from some tracks."""

    @property
    def identity(self) -> str:
        """Digest of what is learnt from what: see ``Pace.identity``."""

    @property
    def modules(self) -> nn.Module:
        """Everything with parameters or statistics, on its device: what is learnt, and what a checkpoint keeps."""

    @property
    def batches_per_epoch(self) -> int: ...

    @property
    def panels(self) -> Mapping[str, str]:
        """Of the picture of the run, as ``RunLog`` takes them."""

    @property
    def less_memory(self) -> str:
        """What is said when memory is too small: what did not fit, and what to change."""

    def begin(self) -> None:
        """Whatever is done before the first epoch of a new run, and not when one goes on."""

    def batch(self, epoch: int, number: int) -> Batch:
        """A batch of an epoch, both counted from where the trainer has them: epochs from 1, batches from 0.

        Made ahead by a thread; it depends on nothing but the seed and the two numbers.

        Raises:
            TrainingInterrupted: Features are damaged or gone.
        """

    def loss(self, batch: Batch) -> Tensor:
        """The scalar that is minimised; torch is seeded, for what is drawn on the way."""

    def judge(self) -> Mapping[str, float]:
        """Figures on the validation tracks by their columns of the log, always from the same pieces of them.

        The modules are in their mode for evaluation, and no gradients are kept.

        Raises:
            TrainingInterrupted: Features are damaged or gone.
        """

    def error(self, figures: Mapping[str, float]) -> float:
        """Of these figures what the best epoch has the least of."""
