"""Which track stands at which position of an index."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.database import Numbers

_DENSE = 16
"""A table by number is made as long as numbers are at most so many times as many as tracks."""


_SPARSE = 64
"""Numbers of which there are fewer than one in so many tracks are looked up one by one."""


@dataclass(frozen=True, slots=True)
class Places:
    """Positions 0 … N - 1 and the numbers of their tracks. Never changed: a write makes another one.

    Attributes:
        by_position: (N,) numbers.
        order: (N,) positions by ascending number, of the type in which NumPy takes them: any other it would copy
            as a whole for every look.
    """

    by_position: Numbers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    order: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))

    @classmethod
    def of(cls, by_position: Numbers) -> "Places":
        """Number the positions by these."""
        return cls(by_position, np.argsort(by_position, kind="stable"))

    def __len__(self) -> int:
        return len(self.by_position)

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self.by_position.nbytes + self.order.nbytes

    def numbers(self) -> Numbers:
        """All numbers, ascending."""
        return self.by_position[self.order]

    def locate(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Return the positions of those numbers that have one, and which of the numbers those are."""
        if not len(self):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        ranks = np.searchsorted(self.by_position, numbers, sorter=self.order)
        positions = self.order[np.minimum(ranks, len(self) - 1)]
        which = np.flatnonzero(self.by_position[positions] == numbers)
        return positions[which], which

    def mask(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Return (N,) which positions hold one of the numbers, which may come in any order and repeat."""
        if not len(self) or not len(numbers):
            return np.zeros(len(self), dtype=np.bool_)
        highest = int(self.by_position[self.order[-1]])
        if len(numbers) < len(self) // _SPARSE or highest >= _DENSE * len(self) or self.by_position.min() < 0:
            return self._mask_of_few(numbers)
        table = np.zeros(highest + 1, dtype=np.bool_)
        table[numbers[(numbers >= 0) & (numbers <= highest)]] = True
        return table[self.by_position]

    def _mask_of_few(self, numbers: Numbers) -> NDArray[np.bool_]:
        mask = np.zeros(len(self), dtype=np.bool_)
        mask[self.locate(np.sort(numbers))[0]] = True
        return mask

    def appended(self, numbers: Numbers) -> "Places":
        """Give ascending new numbers the next positions."""
        ranks = np.searchsorted(self.by_position, numbers, sorter=self.order)
        new = np.arange(len(self), len(self) + len(numbers), dtype=np.intp)
        return Places(np.concatenate([self.by_position, numbers]), np.insert(self.order, ranks, new))

    def closing_gaps(self, gone: Numbers) -> tuple["Places", Numbers, Numbers]:
        """Forget the tracks at some positions and fill the gaps from the end.

        Returns:
            What is left, the positions that were filled, and where their tracks stood before.
        """
        left = len(self) - len(gone)
        holes = np.sort(gone[gone < left])
        movers = np.setdiff1d(np.arange(left, len(self)), gone)
        by_position = self.by_position.copy()
        by_position[holes] = by_position[movers]
        moved = np.searchsorted(self.by_position, self.by_position[movers], sorter=self.order)
        removed = np.searchsorted(self.by_position, self.by_position[gone], sorter=self.order)
        order = self.order.copy()
        order[moved] = holes
        return Places(by_position[:left], np.delete(order, removed)), holes, movers
