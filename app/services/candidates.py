"""Fetching tracks from the index until enough of them may be returned."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.database import Numbers, Transaction
from app.domain import Track, Vectors
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
    too_close: int


def gather(tx: Transaction, plan: Plan, watch: Stopwatch) -> Found:
    """Fetch candidates, ever more of them, until enough are left or the index has no more."""
    wanted = _pool_size(plan.request)
    depth = wanted + len(plan.own)
    tracks: dict[int, Track] = {}
    while True:
        with watch.stage("index"):
            hits = plan.index.search(plan.query.vector, depth, plan.allowed)
        with watch.stage("rerank"):
            scores = np.clip(hits.scores, -1, 1)
            far_enough = scores <= (1 if plan.request.max_similarity is None else plan.request.max_similarity)
            fit = far_enough & ~np.isin(hits.numbers, plan.own) & ~_absent(plan, hits.numbers, hits.scores)
            places = _choose(tx, plan.request, hits.numbers[fit], tracks)
        if len(places) >= wanted or len(hits.numbers) < depth:
            left = np.flatnonzero(fit)[places]
            return Found(
                hits.numbers[left], scores[left], tracks, hits.allowed, hits.exact, int((~far_enough).sum())
            )
        depth *= 2


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
