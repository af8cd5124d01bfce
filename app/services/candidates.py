"""Fetching tracks from the index until enough of them may be returned."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.database import Numbers, Transaction
from app.domain import Track, Vectors
from app.ports import Hits
from app.retrieval import SearchRequest
from app.services.reranking import within_artist_limit
from app.services.search_plan import Plan
from app.services.stopwatch import Stopwatch


@dataclass(slots=True)
class Found:
    """Candidates that may be returned, best first, and how they were found."""

    numbers: Numbers
    scores: Vectors
    tracks: dict[int, Track]
    allowed: int
    exact: bool
    recall: float
    too_close: int


def gather(tx: Transaction, plan: Plan, watch: Stopwatch, first: Hits | None = None) -> Found:
    """Fetch candidates, ever more of them, until enough are left or the index has no more.

    ``first`` are those of ``first_depth``, where they have been fetched already.
    """
    wanted = _pool_size(plan.request)
    depth = first_depth(plan)
    tracks: dict[int, Track] = {}
    hits = first or _ask(plan, depth, watch)
    while True:
        with watch.stage("rerank"):
            scores = np.clip(hits.scores, -1, 1)
            far_enough = scores <= (1 if plan.request.max_similarity is None else plan.request.max_similarity)
            fit = far_enough & ~np.isin(hits.numbers, plan.own) & ~_absent(plan, hits.numbers, hits.scores)
            places = _choose(tx, plan.request, hits.numbers[fit], tracks)
        if len(places) >= wanted or len(hits.numbers) < depth:
            left = np.flatnonzero(fit)[places]
            return Found(
                hits.numbers[left],
                scores[left],
                tracks,
                allowed=hits.allowed,
                exact=hits.exact,
                recall=hits.recall,
                too_close=int((~far_enough & ~np.isin(hits.numbers, plan.own)).sum()),
            )
        depth *= 2
        hits = _ask(plan, depth, watch)


def first_depth(plan: Plan) -> int:
    """Return how many candidates are fetched at first."""
    return _pool_size(plan.request) + len(plan.own)


def fetch_together(plans: Sequence[Plan]) -> Sequence[Hits]:
    """Return the first candidates of each plan; those that ask the same of one index are asked in one go."""
    alike: defaultdict[tuple[int, int, int], list[int]] = defaultdict(list)
    for place, plan in enumerate(plans):
        alike[id(plan.index), id(plan.allowed), first_depth(plan)].append(place)
    found: dict[int, Hits] = {}
    for places in alike.values():
        plan = plans[places[0]]
        queries = np.stack([plans[place].query.vector for place in places])
        hits = plan.index.search_many(queries, first_depth(plan), plan.allowed)
        found |= dict(zip(places, hits, strict=True))
    return [found[place] for place in range(len(plans))]


def _ask(plan: Plan, depth: int, watch: Stopwatch) -> Hits:
    with watch.stage("index"):
        return plan.index.search(plan.query.vector, depth, plan.allowed)


def _pool_size(request: SearchRequest) -> int:
    """How many candidates to choose the matches from: more than k only where diversity has a choice to make."""
    return max(4 * request.k, 100) if request.diversity else request.k


def _absent(plan: Plan, numbers: Numbers, scores: Vectors) -> NDArray[np.bool_]:
    """Which have no vector in any space that the query weighs: their score of exactly 0 says nothing."""
    absent: NDArray[np.bool_] = scores == 0
    absent[absent] = plan.query.absent(plan.index.vectors(numbers[absent]))
    return absent


def _choose(tx: Transaction, request: SearchRequest, numbers: Numbers, tracks: dict[int, Track]) -> list[int]:
    """Places of the first candidates that still exist and keep the artist limit, as many as are wanted."""
    wanted = _pool_size(request)
    depth = wanted
    while True:
        unread = [number for number in numbers[:depth].tolist() if number not in tracks]
        tracks |= tx.catalogue.tracks_by_number(request.library_id, unread)
        places = within_artist_limit(numbers[:depth].tolist(), tracks, request.max_per_artist)
        if len(places) >= wanted or depth >= len(numbers):
            return places[:wanted]
        depth *= 2
