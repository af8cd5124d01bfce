"""Fetching tracks from the index until enough of them may be returned."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from app.database import Numbers, Transaction
from app.domain import Track, Vectors
from app.ports import Hits
from app.retrieval import MAX_DEPTH, SearchRequest
from app.services.reranking import within_artist_limit
from app.services.search_plan import Plan
from app.services.stopwatch import Stopwatch


@dataclass(slots=True)
class Found:
    """Candidates that may be returned, best first, and how they were found.

    ``cut_short_at`` is the depth at which the search ended with fewer than k; ``recall`` is then the least that it
    can be.
    """

    numbers: Numbers
    scores: Vectors
    tracks: Mapping[int, Track]
    allowed: int
    exact: bool
    recall: float
    too_close: int
    cut_short_at: int | None


def gather(tx: Transaction, plan: Plan, watch: Stopwatch, first: Hits | None = None) -> Found:
    """Fetch candidates, ever more of them, until enough are left, the index has no more, or at ``MAX_DEPTH``.

    ``first`` are those of ``first_depth``, where they have been fetched already.
    """
    ceiling = 1 if plan.request.max_similarity is None else plan.request.max_similarity
    wanted = _pool_size(plan.request)
    depth = first_depth(plan)
    reader = _Reader(tx, plan.request)
    hits = first or _ask(plan, depth, watch)
    while True:
        with watch.stage("rerank"):
            scores = np.clip(hits.scores, -1, 1)
            others = ~np.isin(hits.numbers, plan.own)
            fit = np.flatnonzero((scores <= ceiling) & others & ~_absent(plan, hits.numbers, hits.scores))
            chosen = fit[reader.choose(hits.numbers[fit])]
        if len(chosen) >= wanted or len(hits.numbers) < depth or depth >= MAX_DEPTH:
            break
        depth = min(2 * depth, MAX_DEPTH)
        hits = _ask(plan, depth, watch)
    with watch.stage("rerank"):
        tracks = reader.tracks(hits.numbers[chosen])
    is_cut_short = len(chosen) < plan.request.k and len(hits.numbers) >= depth
    return Found(
        hits.numbers[chosen],
        scores[chosen],
        tracks,
        allowed=hits.allowed,
        exact=hits.exact and not is_cut_short,
        recall=hits.recall * (len(chosen) / plan.request.k if is_cut_short else 1),
        too_close=int(((scores > ceiling) & others).sum()),
        cut_short_at=depth if is_cut_short else None,
    )


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


@dataclass(slots=True)
class _Reader:
    """Reads what a choice among candidates takes.

    That is whole tracks, or with an artist limit, which may pass over very many, their artists alone.
    """

    tx: Transaction
    request: SearchRequest
    _artists: dict[int, str | None] = field(default_factory=dict)
    _tracks: dict[int, Track] = field(default_factory=dict)

    def choose(self, numbers: Numbers) -> list[int]:
        """Return places of the first that still exist and keep the artist limit, as many as are wanted."""
        wanted = _pool_size(self.request)
        depth = wanted
        while True:
            first = numbers[:depth].tolist()
            self._read([number for number in first if number not in self._artists])
            places = within_artist_limit(first, self._artists, self.request.max_per_artist)
            if len(places) >= wanted or depth >= len(numbers):
                return places[:wanted]
            depth *= 2

    def tracks(self, numbers: Numbers) -> Mapping[int, Track]:
        """Return the tracks of those that were chosen, keyed by number."""
        self._read_tracks([number for number in numbers.tolist() if number not in self._tracks])
        return self._tracks

    def _read(self, numbers: Sequence[int]) -> None:
        if self.request.max_per_artist is None:
            found = self._read_tracks(numbers)
            self._artists |= {number: track.metadata.artist for number, track in found.items()}
        else:
            self._artists |= self.tx.catalogue.artists_by_number(self.request.library_id, numbers)

    def _read_tracks(self, numbers: Sequence[int]) -> Mapping[int, Track]:
        found = self.tx.catalogue.tracks_by_number(self.request.library_id, numbers)
        self._tracks |= found
        return found
