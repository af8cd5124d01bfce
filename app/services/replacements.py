"""Replacements: the nearest tracks that meet every constraint, and those that nearly do."""

import re
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from app.constraints import Condition
from app.database import Database, Numbers, Transaction
from app.domain import Track
from app.errors import Fault, InvalidQuery, InvalidRequest, NotFound
from app.replacement import Replacement, ReplacementAnswer, ReplacementRequest
from app.retrieval import Match, Term
from app.services.constraint_tally import ConstraintTally
from app.services.search import SearchService, answer
from app.services.search_plan import Plan
from app.services.stopwatch import Stopwatch

_PLACE_OF_TERM = re.compile(r"terms\.(\d+)(.*)")


class ReplacementService:
    """Answers replacements as a search whose filter are the constraints."""

    def __init__(self, database: Database, search: SearchService) -> None:
        self._database = database
        self._search = search

    def replace(self, request: ReplacementRequest) -> ReplacementAnswer:
        """Find the tracks that may take the place of the reference.

        Raises:
            InvalidQuery: Everything that is wrong with the request, together; for example that the reference has
                no tempo to compare with.
            NotFound: A reference is not in the library.
            NotEmbedded: A reference has no vectors by the encoder yet.
            Transient: The index is still being loaded.
        """
        with self._database.transaction(read_only=True) as tx:
            return self.find(tx, request, place="body")

    def check(self, tx: Transaction, request: ReplacementRequest, *, place: str) -> None:
        """Raise what ``replace`` would, and look for nothing. ``place``: where in the call the request stands."""
        self._plan(tx, request, Stopwatch(), place)

    def find(
        self, tx: Transaction, request: ReplacementRequest, *, place: str, left_out: Collection[int] = ()
    ) -> ReplacementAnswer:
        """Answer as ``replace`` does, but for the tracks of some numbers."""
        watch = Stopwatch()
        plan, conditions = self._plan(tx, request, watch, place)
        with watch.stage("filter"):
            filters = self._search.remembered().filters
            tally = ConstraintTally.take(tx, filters, request.search.library_id, conditions)
        hidden = np.union1d(plan.own, np.fromiter(left_out, np.int64))
        searched = replace(plan, own=hidden, allowed=tally.who_meets_all())
        found = answer(tx, searched, watch)
        if not found.matches and (reason := _why_none(searched, plan.own, tally)):
            found = replace(found, empty_because=reason)
        return ReplacementAnswer(
            search=found,
            matches=tuple(_checked(tally, match) for match in found.matches),
            near_misses=_near_misses(tx, searched, tally, request.near_misses, watch),
            constraints=tuple(each.count(plan.own) for each in tally.met),
        )

    def _plan(
        self, tx: Transaction, request: ReplacementRequest, watch: Stopwatch, place: str
    ) -> tuple[Plan, list[Condition]]:
        """Check the whole request; gather the faults of search and constraints."""
        faults: list[Fault] = []
        conditions = _conditions(tx, request, f"{place}.constraints", faults)
        try:
            plan = self._search.plan(tx, request.search, watch)
        except InvalidRequest as error:
            faults = [Fault(_placed(fault.place, place), fault.message) for fault in error.faults] + faults
            raise InvalidQuery(" ".join(dict.fromkeys(fault.message for fault in faults)), faults) from error
        if faults:
            raise InvalidQuery(" ".join(fault.message for fault in faults), faults)
        return plan, conditions


def _conditions(tx: Transaction, request: ReplacementRequest, place: str, faults: list[Fault]) -> list[Condition]:
    """Return what the constraints come to; none where the reference is not there, which the search complains of."""
    reference = _reference(tx, request)
    if reference is None:
        return []
    conditions = []
    for constraint in request.constraints:
        try:
            conditions.append(constraint.beside(reference))
        except InvalidQuery as error:
            faults.append(Fault(f"{place}.{constraint.name}", str(error)))
    return conditions


def _reference(tx: Transaction, request: ReplacementRequest) -> Track | None:
    term = request.search.terms[0]
    if not isinstance(term, Term):
        raise TypeError("the first term of a replacement refers to a track or a clip")
    try:
        return tx.catalogue.track(request.search.library_id, term.reference)
    except NotFound:
        return None


def _placed(place: str, whole: str) -> str:
    """Say where in a replacement stands what a search calls ``terms.0``, the reference, or ``terms.1``."""
    if place == "terms":
        return f"{whole}.reference"
    found = _PLACE_OF_TERM.fullmatch(place)
    if found is None:
        return f"{whole}.{place}"
    term, rest = int(found[1]), found[2]
    return f"{whole}.reference{rest}" if term == 0 else f"{whole}.terms[{term - 1}]{rest}"


def _checked(tally: ConstraintTally, match: Match) -> Replacement:
    return Replacement(match, tally.checks(match.track))


def _near_misses(
    tx: Transaction, plan: Plan, tally: ConstraintTally, most: int, watch: Stopwatch
) -> tuple[Replacement, ...]:
    """Return the tracks that break the fewest constraints, among equals the most similar."""
    found: list[Replacement] = []
    if not most or not tally.met:
        return ()
    for allowed in tally.near_misses(plan.index.numbers()):
        if len(found) == most:
            break
        if len(allowed):
            request = replace(plan.request, k=most - len(found), diversity=0.0)
            nearest = answer(tx, replace(plan, request=request, allowed=allowed), watch)
            found += [_checked(tally, match) for match in nearest.matches]
    return tuple(found)


def _why_none(plan: Plan, own: Numbers, tally: ConstraintTally) -> str | None:
    """Say which constraints leave nothing; ``None`` where it is not for them.

    Args:
        plan: That found nothing.
        own: Numbers of the references and their copies.
        tally: Who meets what.
    """
    if plan.allowed is None or not len(plan.index):
        return None
    counts = [(each, each.count(own)) for each in tally.met]
    if unmet := [each.condition for each, count in counts if not count.left]:
        return " ".join(f"No track of the library meets {each.name}: {each.wanted}." for each in unmet)
    if conflict := tally.conflict(own):
        named = "; ".join(f"{count.left} {each.condition.name}" for each, count in counts if each in conflict)
        return f"No track meets these together, though some meet each alone: {named}."
    if tally.conflict(plan.own):
        return "Every track that meets the constraints was rejected."
    left = np.setdiff1d(plan.allowed, plan.own)
    if not np.isin(left, plan.index.numbers()).any():
        return "None of the tracks that meet the constraints has vectors yet."
    return None
