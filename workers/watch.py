"""One run of a job: its stages, how long each took, and whether anybody still waits for it."""

import time
from collections.abc import Callable

from app.domain import Tally
from workers.messages import Reached


class JobDropped(Exception):
    """Nobody waits for this job any more."""


class Watch:
    """Follows one run of a job through its stages. Used by the thread that works on it; ``drop`` by any."""

    def __init__(
        self, token: str, report: Callable[[Reached], None], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.token = token
        self._report = report
        self._clock = clock
        self._stage: str | None = None
        self._since = 0.0
        self._dropped = False
        self._tallies: list[Tally] = []
        self.seconds: dict[str, float] = {}

    def reach(self, stage: str, fraction: float) -> None:
        """Begin a stage and end the one before. Raises ``JobDropped`` if nobody waits any more."""
        self.check()
        self.end()
        self._stage, self._since = stage, self._clock()
        self._report(Reached(self.token, stage, fraction))

    def end(self) -> None:
        """End the last stage."""
        if self._stage is not None:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + self._clock() - self._since
            self._stage = None

    def check(self) -> None:
        """Raise ``JobDropped`` if nobody waits any more."""
        if self._dropped:
            raise JobDropped(self.token)

    def drop(self) -> None:
        """Make the next check raise."""
        self._dropped = True

    def count(self, tally: Tally) -> None:
        """Note something else for the running totals."""
        self._tallies.append(tally)

    def tallies(self) -> tuple[Tally, ...]:
        """Seconds by stage, and what else was counted."""
        stages = (Tally(f"stage:{stage}", 1, seconds) for stage, seconds in self.seconds.items())
        return (*stages, *self._tallies)
