"""The jobs in hand: what was claimed and not yet let go of."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from app.database import JobQueue
from app.domain import Job, JobKind, JobState
from workers.messages import Failure, Reached

Verdict = Callable[[JobQueue, str, str], Job | None]
"""What shall become of a job: called with its id and token. Raises ``LeaseLost`` if it is not ours."""


@dataclass(slots=True)
class Held:
    """One job in hand.

    Attributes:
        job: As claimed.
        overdue_at: When its time is up, by the supervisor's own clock.
        ours: ``False`` once it was cancelled or given to another: the child only has to let go of it.
        stage: Where the child is with it.
        fraction: How much is done.
        told: Whether the queue knows that.
        verdict: What shall become of it, as soon as the database can be told.
    """

    job: Job
    overdue_at: float
    ours: bool = True
    stage: str = "start"
    fraction: float = 0.0
    told: bool = True
    verdict: Verdict | None = None

    @property
    def token(self) -> str:
        """Of its claim: tells it from another run of the same job."""
        return self.job.token or ""


class Hand:
    """Every job in hand, by the token of its claim."""

    def __init__(self, slots: int, express: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Make it empty.

        Args:
            slots: How many jobs there may be at once, beside a map: that takes minutes, and holds up nothing.
            express: How many more if those are interactive, so that bulk work never keeps a person waiting.
            clock: In seconds.
        """
        self._slots = slots
        self._express = express
        self._clock = clock
        self._held: dict[str, Held] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    @property
    def free(self) -> int:
        """How many jobs of any kind may be taken on."""
        return max(0, self._slots - self._embedding())

    @property
    def free_express(self) -> int:
        """How many interactive jobs may be taken on."""
        return max(0, self._slots + self._express - self._embedding())

    def _embedding(self) -> int:
        return sum(held.job.kind is not JobKind.MAP for held in self)

    def ours(self) -> Sequence[str]:
        """Ids of the jobs that are this worker's."""
        return [held.job.id for held in self if held.ours]

    def take(self, job: Job, seconds: float) -> Held:
        """Take a job in hand, for so long at most."""
        held = Held(job, self._clock() + seconds)
        self._held[held.token] = held
        return held

    def release(self, token: str) -> None:
        """The job is settled, and nobody here works on it under this token."""
        self._held.pop(token, None)

    def find(self, token: str) -> Held | None:
        """The job that was claimed with this token, if it is in hand."""
        return self._held.get(token)

    def note(self, reached: Reached) -> None:
        """The child has come to another stage."""
        held = self._held.get(reached.token)
        if held is not None:
            held.stage, held.fraction, held.told = reached.stage, reached.fraction, False

    def overdue(self) -> Sequence[Held]:
        """Jobs whose time is up and which the child still has."""
        now = self._clock()
        return [held for held in self if held.verdict is None and held.overdue_at <= now]

    def untold(self) -> Sequence[Held]:
        """Jobs whose progress the queue does not know."""
        return [held for held in self if held.ours and not held.told and held.verdict is None]

    def decided(self) -> Sequence[Held]:
        """Jobs of which the database must be told what becomes of them."""
        return [held for held in self if held.verdict is not None]

    def bury(self, cause: str, culprits: Sequence[str] = ()) -> None:
        """The child is dead: decide on every job that it had.

        Args:
            cause: How it died, for people.
            culprits: Tokens of the jobs that had it killed; if any, the others are innocent.
        """
        for held in self:
            if not held.ours:
                self.release(held.token)
            elif held.verdict is None:
                innocent = bool(culprits) and held.token not in culprits
                held.verdict = give_back if innocent else crash(f"{cause} in stage {held.stage}.")


def fail(failure: Failure) -> Verdict:
    """Note an error."""

    def verdict(queue: JobQueue, job_id: str, token: str) -> Job:
        return queue.fail(job_id, token, code=failure.code, message=failure.message, retry=failure.retry)

    return verdict


def crash(message: str) -> Verdict:
    """Note the death of the process."""

    def verdict(queue: JobQueue, job_id: str, token: str) -> Job:
        return queue.crashed(job_id, token, message)

    return verdict


def give_back(queue: JobQueue, job_id: str, token: str) -> None:
    """Leave it to others, not counted against it."""
    queue.give_back(job_id, token)


def outcome_of(job: Job | None) -> str:
    """What a verdict came to, for the running totals."""
    if job is None:
        return "given_back"
    if job.state is JobState.FAILED:
        return "failed"
    return "crashed" if job.error_code == "crashed" else "retried"
