"""Running stored briefs: what a brief finds now, and what of it is new."""

from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from app.briefs import Brief, Decision, Verdict
from app.database import Database, Transaction
from app.domain import utc_now
from app.errors import Conflict, NotFound
from app.replacement import ReplacementAnswer, ReplacementRequest
from app.services.replacements import ReplacementService

ReadRequest: TypeAlias = Callable[[str, Mapping[str, Any]], ReplacementRequest]
"""Makes a request, of a library, of the JSON that a brief holds. Raises ``InvalidRequest``."""

_PLACE = "body.request"


@dataclass(frozen=True, slots=True)
class BriefRun:
    """What a brief found.

    Attributes:
        answer: Matches and near misses.
        decisions: By number of the track.
        new: Numbers of the matches that no earlier run has shown; none in the first run.
    """

    answer: ReplacementAnswer
    decisions: Mapping[int, Decision]
    new: AbstractSet[int]


class BriefRunner:
    """Runs briefs as the replacements that they hold."""

    def __init__(self, database: Database, replacements: ReplacementService, read_request: ReadRequest) -> None:
        self._database = database
        self._replacements = replacements
        self._read_request = read_request

    def run(self, library_id: str, brief_id: str, *, rejected: bool, remember: bool) -> BriefRun:
        """Run a brief.

        Args:
            library_id: Whose brief.
            brief_id: Which one.
            rejected: Whether to show tracks that were rejected, too.
            remember: Whether what it shows counts as seen from now on.

        Raises:
            NotFound: There is no such brief.
            Conflict: What it refers to was deleted.
            InvalidRequest, NotEmbedded, Transient: As ``ReplacementService.replace``.
        """
        with self._database.transaction(read_only=True) as tx:
            brief = tx.briefs.brief(library_id, brief_id)
            decisions = {decision.number: decision for decision in tx.briefs.decisions(brief.id)}
            answer = self._replacements.find(
                tx,
                self._request(tx, brief),
                place=_PLACE,
                left_out=() if rejected else _rejected(decisions),
            )
            seen = tx.briefs.seen(brief.id)
        numbers = {found.match.track.number for found in answer.matches}
        if remember:
            self._remember(brief, numbers)
        return BriefRun(answer, decisions, numbers - seen if brief.last_run_at else frozenset())

    def _remember(self, brief: Brief, numbers: Collection[int]) -> None:
        now = utc_now()
        with self._database.transaction() as tx:
            current = tx.briefs.brief(brief.library_id, brief.id)
            tx.briefs.see(brief.id, numbers, now)
            tx.briefs.save(replace(current, last_run_at=now))

    def find_in_short(self, tx: Transaction, brief: Brief) -> ReplacementAnswer:
        """Return matches that were not rejected, without reasons, and no near misses. Raises as ``run``."""
        decisions = {decision.number: decision for decision in tx.briefs.decisions(brief.id)}
        request = self._request(tx, brief)
        short = replace(request, search=replace(request.search, explain=False), near_misses=0)
        return self._replacements.find(tx, short, place=_PLACE, left_out=_rejected(decisions))

    def _request(self, tx: Transaction, brief: Brief) -> ReplacementRequest:
        """Read what it asks for. Raises ``Conflict`` where what it refers to was deleted."""
        _must_be_there(tx, brief)
        return self._read_request(brief.library_id, brief.request)

    def check(self, tx: Transaction, brief: Brief) -> None:
        """Raise what a run would."""
        request = self._read_request(brief.library_id, brief.request)
        self._replacements.check(tx, request, place=_PLACE)


def _rejected(decisions: Mapping[int, Decision]) -> set[int]:
    return {number for number, decision in decisions.items() if decision.verdict is Verdict.REJECTED}


def _must_be_there(tx: Transaction, brief: Brief) -> None:
    for reference in brief.references():
        try:
            tx.catalogue.track(brief.library_id, reference)
        except NotFound as error:
            raise Conflict(
                f"The track or clip {reference:.80} that the brief {brief.name!r:.80} refers to was deleted. "
                "Give the brief another reference (PATCH its request), or delete the brief."
            ) from error
