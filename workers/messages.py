"""What the supervisor and its child tell each other through their pipe.

They name a run by the token of its claim: where a job was cancelled or lost and is claimed again before the child
has let go of it, two runs of it are in hand at once.
"""

from dataclasses import dataclass
from typing import TypeAlias

from app.domain import Job, Tally


@dataclass(frozen=True, slots=True)
class Take:
    """To the child: do this job."""

    token: str
    job: Job


@dataclass(frozen=True, slots=True)
class Drop:
    """To the child: nobody waits for this run any more; stop where you can."""

    token: str


@dataclass(frozen=True, slots=True)
class Ready:
    """From the child: loaded, send jobs."""

    device: str
    encoder_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unfit:
    """From the child: started again it would fail again; the operator must mend something first."""

    message: str


@dataclass(frozen=True, slots=True)
class Reached:
    """From the child: a run is at this stage now; ``fraction`` of it is done (0 to 1)."""

    token: str
    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a job ended without a result, and whether trying again may help."""

    code: str
    message: str
    retry: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """From the child: a run is over.

    Attributes:
        token: Which.
        outcome: ``done`` when the result is stored and the job finished, ``fenced`` when it had become somebody
            else's, ``dropped`` when told to stop, ``failed`` with a ``failure``: then the supervisor notes it.
        failure: Why it failed.
        tallies: What it came to, for the running totals.
    """

    token: str
    outcome: str
    failure: Failure | None = None
    tallies: tuple[Tally, ...] = ()


ToChild: TypeAlias = Take | Drop
FromChild: TypeAlias = Ready | Unfit | Reached | Ended
