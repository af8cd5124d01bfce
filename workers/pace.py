"""The times of the supervisor."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of the supervisor, in seconds, and how many jobs it takes on.

    Attributes:
        lease_s: A worker not heard of for so long is declared dead.
        beat_s: Between heartbeats.
        poll_s: Between looks at the queue when the doorbell is silent.
        deadline_s: A job that takes longer has its process killed.
        drain_s: How long jobs may go on after the signal to stop.
        slots: Jobs at once, beside a map.
        express: Interactive jobs beyond that.
    """

    lease_s: float
    beat_s: float
    poll_s: float
    deadline_s: float
    drain_s: float
    slots: int
    express: int = 1

    @property
    def threads(self) -> int:
        """How many jobs there may be at once in all: one more is a map."""
        return self.slots + self.express + 1


class Every:
    """Says when something is due that shall happen every so often."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def due(self) -> bool:
        """Whether it is time; if so, the next time is set."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
