"""Stored briefs: what somebody looks for again and again, what was decided on, and who is told of new matches."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.domain import utc_now


class Verdict(StrEnum):
    """What somebody thinks of a track for a brief."""

    SHORTLISTED = "shortlisted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Whom to tell of new matches; the secret signs what is sent."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Brief:
    """A replacement that is asked for again and again.

    Attributes:
        id: UUIDv7, so that ids are in order of creation.
        library_id: Whose brief.
        name: Of one line.
        note: Whatever people want to remember; may be empty.
        request: The body that a replacement is asked with, as JSON.
        webhook: Whom to tell of new matches.
        created_at: When it was made.
        updated_at: When somebody last changed it.
        last_run_at: When somebody last ran it; ``None`` before the first run.
        watched_seq: The last change of the catalogue that new matches were looked for after; ``None`` as long as
            nobody has looked.
    """

    id: str
    library_id: str
    name: str
    note: str
    request: Mapping[str, Any]
    webhook: Webhook | None = None
    created_at: datetime = field(default_factory=utc_now)
    updated_at: datetime = field(default_factory=utc_now)
    last_run_at: datetime | None = None
    watched_seq: int | None = None

    def terms(self) -> Sequence[Mapping[str, Any]]:
        """Return the terms of its request, the reference first."""
        return [term for term in (self.request.get("reference"), *(self.request.get("terms") or ())) if term]

    def references(self) -> Sequence[str]:
        """Return the ids of the tracks and clips that it refers to, the reference first.

        A clip may be named as a track. Those that are clips stay for as long as the brief does.
        """
        named = [term.get("clip") if term.get("track") is None else term["track"] for term in self.terms()]
        return [each for each in named if each is not None]


@dataclass(frozen=True, slots=True)
class BriefCounts:
    """How many tracks were shortlisted and rejected, and how many the runs have shown."""

    shortlisted: int = 0
    rejected: int = 0
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided on one track, known by ``Track.number``. The reason of a shortlisted one may be empty."""

    number: int
    verdict: Verdict
    reason: str = ""
    decided_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to a webhook.

    Attributes:
        id: UUIDv7; stands in the body too, so that a receiver knows what came twice.
        brief_id: Of which brief.
        body: JSON, sent and signed byte by byte as it stands.
        attempts: How often it was sent.
        due_at: When to send it (again); ``None`` once it was delivered or given up.
        delivered_at: When the receiver took it.
        error: Why the last attempt failed.
        created_at: When the matches were found.
    """

    id: str
    brief_id: str
    body: str
    attempts: int = 0
    due_at: datetime | None = None
    delivered_at: datetime | None = None
    error: str | None = None
    created_at: datetime = field(default_factory=utc_now)


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A message that is to be sent now, and where to."""

    delivery: Delivery
    webhook: Webhook


class Briefs(Protocol):
    """Briefs with their decisions, the matches that were seen, and messages, within one transaction.

    Whoever deletes a track removes what briefs know of it. Ids of briefs come from ``brief`` and ``page``, which
    know the library: the other methods do not ask for it.
    """

    def add(self, brief: Brief) -> None: ...
    def brief(self, library_id: str, brief_id: str) -> Brief:
        """Return a brief; within a writing transaction nobody else changes it until that ends.

        Raises:
            NotFound: Also for text that is not an id.
        """

    def page(
        self, library_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> tuple[Sequence[Brief], str | None]:
        """Newest first, with the cursor of the next page. Raises ``InvalidRequest`` for a bad cursor."""

    def save(self, brief: Brief) -> None:
        """Replace what is stored under its id. Raises ``NotFound``."""

    def delete(self, library_id: str, brief_id: str) -> None:
        """Remove it with all that belongs to it. Raises ``NotFound``."""

    def counts(self, brief_ids: Collection[str]) -> Mapping[str, BriefCounts]:
        """Return the counts of each of them."""

    def watched(self) -> Sequence[Brief]:
        """Every brief with a webhook, of all libraries, oldest first."""

    def seen(self, brief_id: str) -> set[int]:
        """Return the numbers of the tracks that runs have shown."""

    def see(self, brief_id: str, numbers: Iterable[int], at: datetime) -> set[int]:
        """Note that a run shows these tracks; return those that no run has shown before. Missing tracks are not."""

    def note(self, brief_id: str, numbers: Iterable[int]) -> set[int]:
        """Note that these tracks were told of; return those that were neither shown nor told of before.

        What was only told of stays unseen. Two processes that note at once never both get a track.
        """

    def forget_noted(self, brief_id: str) -> None:
        """Forget what was told of; what a run has shown stays seen."""

    def decide(self, brief_id: str, decision: Decision) -> None:
        """Store the decision on a track, in the place of an earlier one."""

    def withdraw(self, brief_id: str, number: int) -> None:
        """Remove the decision on a track. Raises ``NotFound``."""

    def decisions(self, brief_id: str) -> Sequence[Decision]:
        """Every decision, the latest last."""

    def add_delivery(self, delivery: Delivery) -> None: ...
    def deliveries(self, brief_id: str, limit: int = 100) -> Sequence[Delivery]:
        """The last messages of a brief, the newest first."""

    def due_deliveries(self, now: datetime, limit: int = 100) -> Sequence[DueDelivery]:
        """Return messages that are due, longest due first; of briefs that have a webhook.

        A writing transaction keeps them from every other until it ends: put them off there (``save_delivery``
        with a later ``due_at``), send outside, and settle them in another.
        """

    def save_delivery(self, delivery: Delivery) -> None:
        """Store attempts, times and error. Silent if the brief was deleted meanwhile."""

    def settle_delivery(self, delivery: Delivery, due_at: datetime | None) -> bool:
        """Store what came of a message if it is still due at that time; return whether it was.

        Else somebody has decided on it meanwhile, or taken it.
        """

    def put_off_deliveries(self, brief_id: str, now: datetime, until: datetime) -> None:
        """Let every message of a brief that is due be due later, but those that somebody is about to take."""

    def give_up_deliveries(self, brief_id: str, error: str, *, until: datetime | None = None) -> None:
        """Let every message of a brief that waits be over, for a reason; or only those made until some time."""

    def forget_deliveries(self, before: datetime) -> int:
        """Remove messages that are older and not due any more; return how many."""
