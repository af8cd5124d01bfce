"""The search: from references and weights to explained matches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from app.database import Database, Transaction
from app.errors import InvalidRequest, NotEmbedded, NotFound
from app.ports import Hits
from app.retrieval import Match, SearchAnswer, SearchRequest, UsedTag
from app.services.candidates import Found, fetch_together, gather
from app.services.explanation import explain
from app.services.indexing import IndexKeeper
from app.services.reranking import diversify, percentiles
from app.services.search_plan import Memory, Plan, make_plan
from app.services.stopwatch import Stopwatch
from app.services.tags import AskedTag

Refusal: TypeAlias = InvalidRequest | NotEmbedded | NotFound
"""Why one of several searches cannot be answered."""


@dataclass(frozen=True, slots=True)
class _Asked:
    plan: Plan
    watch: Stopwatch


class SearchService:
    """Answers searches from the indexes of an ``IndexKeeper``."""

    def __init__(self, database: Database, keeper: IndexKeeper) -> None:
        self._database = database
        self._keeper = keeper
        self._memory = Memory()
        self._epoch = keeper.epoch

    def search(self, request: SearchRequest) -> SearchAnswer:
        """Find the tracks nearest to a weighted sum of references and tags.

        The order is that of similarity, or with ``diversity`` that of choice.

        Raises:
            InvalidQuery: Everything that is wrong with the request, together.
            NotFound: A reference is not in the library.
            NotEmbedded: A reference has no vectors by the encoder yet.
            Transient: The index is still being loaded.
        """
        watch = Stopwatch()
        with self._database.transaction(read_only=True) as tx:
            return answer(tx, self.plan(tx, request, watch), watch)

    def plan(self, tx: Transaction, request: SearchRequest, watch: Stopwatch) -> Plan:
        """Check a request and work out what to ask the indexes, with what is remembered. Raises as ``search``."""
        return make_plan(tx, self._keeper, self.remembered(), request, watch)

    def look(self, tx: Transaction, request: SearchRequest) -> tuple[Plan, Sequence[Match]]:
        """Return what ``search`` would find, without reasons, and the plan that found it. Raises the same."""
        watch = Stopwatch()
        plan = self.plan(tx, request, watch)
        return plan, _matches(plan, gather(tx, plan, watch))

    def search_many(self, requests: Sequence[SearchRequest]) -> Sequence[SearchAnswer | Refusal]:
        """Answer several searches, at less cost together; of one that cannot be answered, return why.

        Raises:
            Transient: An index is still being loaded.
        """
        with self._database.transaction(read_only=True) as tx:
            asked = [self._try(tx, request) for request in requests]
            first = iter(fetch_together([each.plan for each in asked if isinstance(each, _Asked)]))
            return [
                answer(tx, each.plan, each.watch, next(first)) if isinstance(each, _Asked) else each
                for each in asked
            ]

    def remembered(self) -> Memory:
        """Return what is remembered of this database, and of no other that stood in its place."""
        epoch = self._keeper.epoch
        if epoch != self._epoch:
            self._memory, self._epoch = Memory(), epoch
        return self._memory

    def _try(self, tx: Transaction, request: SearchRequest) -> _Asked | Refusal:
        watch = Stopwatch()
        try:
            return _Asked(self.plan(tx, request, watch), watch)
        except (InvalidRequest, NotEmbedded, NotFound) as error:
            return error


def answer(tx: Transaction, plan: Plan, watch: Stopwatch, first: Hits | None = None) -> SearchAnswer:
    """Find and explain; ``first`` are the candidates of ``first_depth``, where they have been fetched already."""
    found = gather(tx, plan, watch, first)
    with watch.stage("rerank"):
        matches = _matches(plan, found)
    if plan.request.explain:
        with watch.stage("explain"):
            matches = explain(tx, plan, matches)
    return SearchAnswer(
        matches=tuple(matches),
        encoders=tuple(encoder.name for encoder in plan.joint.encoders),
        weights=plan.query.weights(),
        tags=used_tags(plan),
        indexed=len(plan.index),
        allowed=found.allowed,
        exact=found.exact,
        recall=found.recall,
        took_ms=watch.took_ms,
        empty_because=None if matches else _why_empty(plan, found),
    )


def used_tags(plan: Plan) -> tuple[UsedTag, ...]:
    """Return the tags of a query as they were understood."""
    return tuple(_used(plan, tag) for tag in plan.tags)


def _used(plan: Plan, tag: AskedTag) -> UsedTag:
    space = plan.joint.name(tag.encoder, tag.space)
    return UsedTag(tag.tag, space, float(plan.query.term_shares[tag.term].sum()))


def _matches(plan: Plan, found: Found) -> list[Match]:
    request = plan.request
    places = list(range(len(found.numbers)))
    if request.diversity:
        weighed = plan.query.weigh(plan.index.vectors(found.numbers))
        places = diversify(found.scores, weighed, request.diversity, request.k)
    ranks = percentiles(found.scores[places], plan.background.scores(plan.query.vector, plan.own))
    return [
        Match(found.tracks[int(found.numbers[place])], float(found.scores[place]), float(rank))
        for place, rank in zip(places, ranks, strict=True)
    ]


def _why_empty(plan: Plan, found: Found) -> str:
    indexed = len(plan.index)
    if not indexed:
        names = " or ".join(repr(encoder.name) for encoder in plan.joint.encoders)
        return f"No track of the library is embedded by the encoder {names} yet."
    if not found.allowed:
        return f"The filter left none of the {indexed} indexed tracks."
    limit = f" No more than the nearest {found.cut_short_at} are looked at." if found.cut_short_at else ""
    if found.too_close:
        ceiling = plan.request.max_similarity
        return f"max_similarity = {ceiling:g} left none: {found.too_close} tracks are closer.{limit}"
    left = "the references of the query, their copies, and tracks without the weighed spaces"
    return f"Nothing is left but {left}.{limit}"
