"""The search: from references and weights to explained matches."""

import numpy as np

from app.database import Database
from app.domain import Vectors
from app.retrieval import Match, SearchAnswer, SearchRequest, UsedTag
from app.services.candidates import Found, gather
from app.services.explanation import explain
from app.services.indexing import IndexKeeper
from app.services.reranking import diversify, percentiles
from app.services.search_plan import Plan, make_plan
from app.services.stopwatch import Stopwatch
from app.services.tags import AskedTag

BACKGROUND = 10_000
"""Tracks that a percentile is measured against; the whole catalogue where it is not larger."""

_BACKGROUND_SEED = 20_261


class SearchService:
    """Answers searches from the indexes of an ``IndexKeeper``."""

    def __init__(self, database: Database, keeper: IndexKeeper) -> None:
        self._database = database
        self._keeper = keeper

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
        plan = make_plan(self._database, self._keeper, request, watch)
        with self._database.transaction(read_only=True) as tx:
            found = gather(tx, plan, watch)
            with watch.stage("rerank"):
                matches = _matches(plan, found)
            if request.explain:
                with watch.stage("explain"):
                    matches = explain(tx, plan, matches)
        return SearchAnswer(
            matches=tuple(matches),
            encoders=tuple(encoder.name for encoder in plan.joint.encoders),
            weights=plan.query.weights(),
            tags=tuple(_used(plan, tag) for tag in plan.tags),
            indexed=len(plan.index),
            allowed=found.allowed,
            exact=found.exact,
            took_ms=watch.took_ms,
            empty_because=None if matches else _why_empty(plan, found),
        )


def _used(plan: Plan, tag: AskedTag) -> UsedTag:
    space = plan.joint.name(tag.encoder, tag.space)
    return UsedTag(tag.tag, space, float(plan.query.term_shares[tag.term].sum()))


def _matches(plan: Plan, found: Found) -> list[Match]:
    request = plan.request
    places = list(range(len(found.numbers)))
    if request.diversity:
        weighed = plan.query.weigh(plan.index.vectors(found.numbers))
        places = diversify(found.scores, weighed, request.diversity, request.k)
    ranks = percentiles(found.scores[places], _background(plan))
    return [
        Match(found.tracks[int(found.numbers[place])], float(found.scores[place]), float(rank))
        for place, rank in zip(places, ranks, strict=True)
    ]


def _background(plan: Plan) -> Vectors:
    """Scores of the whole catalogue but the query's own tracks, or of a sample that stays while the index does."""
    index = plan.index
    numbers = index.numbers()
    if len(numbers) > BACKGROUND:
        chosen = np.random.default_rng(_BACKGROUND_SEED).choice(len(numbers), BACKGROUND, replace=False)
        numbers = numbers[np.sort(chosen)]
    numbers = numbers[~np.isin(numbers, plan.own)]
    scores: Vectors = index.vectors(numbers) @ plan.query.vector
    return scores


def _why_empty(plan: Plan, found: Found) -> str:
    indexed = len(plan.index)
    if not indexed:
        names = " or ".join(repr(encoder.name) for encoder in plan.joint.encoders)
        return f"No track of the library is embedded by the encoder {names} yet."
    if not found.allowed:
        return f"The filter left none of the {indexed} indexed tracks."
    if found.too_close:
        return f"max_similarity = {plan.request.max_similarity:g} left none: {found.too_close} tracks are closer."
    return "Nothing is left but the references of the query, their copies, and tracks without the weighed spaces."
