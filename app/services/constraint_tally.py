"""Which tracks meet how many of the constraints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.constraints import Condition
from app.database import Numbers, Transaction
from app.domain import Track
from app.filters import AllOf, Filter, Not
from app.index_rows import find
from app.replacement import Check, ConstraintCount
from app.services.filter_memory import FilterMemory


@dataclass(frozen=True, slots=True)
class Met:
    """A condition with the numbers of the tracks that meet it, ascending."""

    condition: Condition
    numbers: Numbers

    def includes(self, number: int) -> bool:
        """Whether the track meets it."""
        place = int(np.searchsorted(self.numbers, number))
        return place < len(self.numbers) and int(self.numbers[place]) == number

    def count(self, own: Numbers) -> ConstraintCount:
        """Say how many tracks meet it beside some."""
        left = len(self.numbers) - sum(self.includes(number) for number in own.tolist())
        return ConstraintCount(self.condition.name, self.condition.wanted, left)

    def check(self, track: Track) -> Check:
        """Say whether a track meets it, and how."""
        met = self.includes(track.number)
        return Check(self.condition.name, met, self.condition.wanted, self.condition.found(track))


@dataclass(frozen=True, slots=True)
class ConstraintTally:
    """How many constraints each track meets.

    Attributes:
        met: One for each constraint.
        met_by_number: (M,) how many of them the track of each number meets.
    """

    met: Sequence[Met]
    met_by_number: NDArray[np.uint8]

    @classmethod
    def take(
        cls, tx: Transaction, filters: FilterMemory, library_id: str, conditions: Sequence[Condition]
    ) -> "ConstraintTally":
        """Ask the catalogue who meets each of them."""
        numbers = _meeting(tx, filters, library_id, [each.where for each in conditions])
        met = [Met(*each) for each in zip(conditions, numbers, strict=True)]
        highest = max((int(each.numbers[-1]) for each in met if len(each.numbers)), default=0)
        return cls(met, _counted(met, 1 + highest))

    def who_meets_all(self) -> Numbers | None:
        """Return the numbers of the tracks that may be found, ascending; ``None`` for all without constraints."""
        return np.flatnonzero(self.met_by_number == len(self.met)) if self.met else None

    def near_misses(self, indexed: Numbers) -> Iterator[Numbers]:
        """Yield, of the tracks of an index, those that break one constraint, those that break two, and so on."""
        counts = np.zeros(max(len(self.met_by_number), 1 + int(indexed.max(initial=0))), np.int16)
        counts[: len(self.met_by_number)] = self.met_by_number
        found = np.full(len(counts), -1, np.int16)
        found[indexed] = counts[indexed]
        for broken in range(1, len(self.met) + 1):
            yield np.flatnonzero(found == len(self.met) - broken)

    def checks(self, track: Track) -> tuple[Check, ...]:
        """Say how a track stands to each constraint."""
        return tuple(each.check(track) for each in self.met)

    def conflict(self, without: Numbers) -> Sequence[Met]:
        """Return constraints that no track meets together, as few as possible: without any of them one does.

        None where tracks beside some meet all of them.
        """
        if len(self._together(self.met, without)):
            return ()
        needed = list(self.met)
        for each in self.met:
            fewer = [other for other in needed if other is not each]
            if fewer and not len(self._together(fewer, without)):
                needed = fewer
        return needed

    def _together(self, met: Sequence[Met], without: Numbers) -> Numbers:
        counts = _counted(met, len(self.met_by_number))
        counts[without[without < len(counts)]] = 0
        return np.flatnonzero(counts == len(met))


def _meeting(
    tx: Transaction, filters: FilterMemory, library_id: str, wheres: Sequence[Filter]
) -> Sequence[Numbers]:
    """Return who meets each filter. Whoever is not by an artist is nearly everybody: quicker told by who is."""
    if not wheres:
        return []
    sought = [where.inner if isinstance(where, Not) else where for where in wheres]
    everybody, *found = filters.allowed_by_each(tx, library_id, [AllOf([]), *sought])
    return [
        np.delete(everybody, find(everybody, numbers)[0]) if isinstance(where, Not) else numbers
        for where, numbers in zip(wheres, found, strict=True)
    ]


def _counted(met: Sequence[Met], size: int) -> NDArray[np.uint8]:
    """Return (size,) by number how many conditions its track meets."""
    counts = np.zeros(size, np.uint8)
    for each in met:
        counts[each.numbers] += 1
    return counts
