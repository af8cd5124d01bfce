"""What this worker has counted and not yet added to the running totals of all."""

from collections.abc import Iterable, Sequence

from app.domain import Tally


class Totals:
    """Counts by name; kept until the database has them."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def count(self, name: str, times: int = 1) -> None:
        """Note that something happened."""
        if times:
            self.add([Tally(name, times)])

    def add(self, tallies: Iterable[Tally]) -> None:
        """Take over what somebody else has counted."""
        for more in tallies:
            so_far = self._tallies.get(more.name, Tally(more.name, 0))
            self._tallies[more.name] = Tally(more.name, so_far.count + more.count, so_far.total + more.total)

    def tallies(self) -> Sequence[Tally]:
        """Everything since the last ``clear``."""
        return list(self._tallies.values())

    def clear(self) -> None:
        """The database has it."""
        self._tallies.clear()
