"""One search in a collection of Milvus: candidates by Milvus, scored and ordered exactly."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from app.adapters.milvus_collection import MOST, Candidates, MilvusCollection
from app.database import Numbers
from app.domain import Vectors
from app.index_rows import best, find, rounding
from app.ports import Hits

_FEW = 512
"""Up to so many rows are fetched and scored directly."""

_SPARE = 32
"""Candidates beyond k, so that the exact cut can nearly always be made among them."""

_DEEPER = 4
"""So many times as many are asked for when they did not do."""

_LONG = 4096
"""From so many numbers on a filter costs more than candidates that are not allowed."""

_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class _Asked:
    field: str
    query: Vectors
    selection: Mapping[str, Any]
    limit: int


@dataclass(frozen=True, slots=True)
class _Named:
    numbers: Numbers
    exact: bool


@dataclass(frozen=True)
class MilvusSearch:
    """What is asked of a collection.

    Attributes:
        collection: Where.
        held: All numbers that this process knows to be there, ascending.
        chosen: Those that may be found; at least one.
        k: How many, at most.
        longest: No vector is longer.
    """

    collection: MilvusCollection
    held: Numbers
    chosen: Numbers
    k: int
    longest: float

    @cached_property
    def _filter(self) -> Mapping[str, Any]:
        return self.collection.selection(self.chosen, self.held)

    def _is_direct(self) -> bool:
        limit = self.k + _SPARE
        return len(self.chosen) <= max(_FEW, limit) or limit > MOST

    def _first(self) -> tuple[Mapping[str, Any], int]:
        """Return a filter and how many to ask for: in place of a long filter, more, of which some are allowed."""
        limit, share = self.k + _SPARE, len(self.chosen) / len(self.held)
        unfiltered = int(2 * limit / share)
        if min(len(self.chosen), len(self.held) - len(self.chosen)) <= _LONG or unfiltered > MOST:
            return self._filter, limit
        return {}, unfiltered

    def hits(self, queries: Sequence[Vectors]) -> Sequence[Hits]:
        """Return what each query finds. Queries of one field go to Milvus together, and so do the rows of all."""
        if self._is_direct():
            return self._scored(queries)
        named: dict[int, _Named] = {}
        selection, limit = self._first()
        for name, places in self._by_field(queries).items():
            together = [queries[place] for place in places]
            answers = self.collection.search(name, together, limit, selection)
            for place, query, candidates in zip(places, together, answers, strict=True):
                named[place] = self._settled(_Asked(name, query, selection, limit), candidates)
        wanted = np.concatenate([np.empty(0, dtype=np.int64), *(each.numbers for each in named.values())])
        rows = self.collection.rows(wanted)
        return [self._ranked(query, named.get(place), *rows) for place, query in enumerate(queries)]

    def _by_field(self, queries: Sequence[Vectors]) -> Mapping[str, Sequence[int]]:
        """Places of the queries by the field that answers them. One of zeros needs none."""
        places: defaultdict[str, list[int]] = defaultdict(list)
        for place, query in enumerate(queries):
            if query.any():
                places[self.collection.field_for(query)].append(place)
        return places

    def _settled(self, asked: "_Asked", candidates: Candidates) -> "_Named":
        """Ask for more until the k best are for certain among them."""
        while True:
            _, known = find(self.chosen, candidates.numbers)
            is_enough = len(known) >= min(self.k, len(self.chosen))
            if is_enough and self._is_cut(asked, candidates, known):
                return self._named(asked, candidates, known, exact=self.collection.graph is None)
            if asked.selection == self._filter and asked.limit == MOST:
                return self._named(asked, candidates, known, exact=False, is_enough=is_enough)
            asked = self._next(asked, is_filter_missing=not is_enough)
            (candidates,) = self.collection.search(asked.field, [asked.query], asked.limit, asked.selection)

    def _named(
        self, asked: "_Asked", candidates: Candidates, known: Numbers, *, exact: bool, is_enough: bool = True
    ) -> "_Named":
        """Keep those that may be among the k best; too few of them stand for none."""
        floor = self._floor(asked, candidates, known) if is_enough else np.inf
        return _Named(candidates.numbers[known[candidates.scores[known] >= floor]], exact)

    def _next(self, asked: "_Asked", *, is_filter_missing: bool) -> "_Asked":
        """Filter, if that was left out and too few came of it; else ask for more."""
        limit = min(_DEEPER * asked.limit, MOST)
        if asked.selection != self._filter and (is_filter_missing or asked.limit == MOST):
            return replace(asked, selection=self._filter, limit=self.k + _SPARE)
        return replace(asked, limit=limit)

    def _is_cut(self, asked: "_Asked", candidates: Candidates, known: Numbers) -> bool:
        """Whether no row beyond the candidates can tie with one of the k best; a graph does not promise that."""
        if self.collection.graph is not None or len(candidates.numbers) < asked.limit:
            return True
        return bool(candidates.scores[-1] < self._floor(asked, candidates, known))

    def _floor(self, asked: "_Asked", candidates: Candidates, known: Numbers) -> float:
        """What a row must score in Milvus, at least, to be one of the k best."""
        last = known[min(self.k, len(self.chosen)) - 1]
        return float(candidates.scores[last]) - rounding(asked.query, self.longest)

    def _ranked(self, query: Vectors, named: "_Named | None", numbers: Numbers, vectors: Vectors) -> Hits:
        """Score the rows of those that were named. A query of zeros has none: all score the same."""
        if named is None:
            lowest = self.chosen[: self.k]
            return Hits(lowest, np.zeros(len(lowest), dtype=np.float32), exact=True, allowed=len(self.chosen))
        if not len(named.numbers):
            return self._scored([query])[0]
        places, _ = find(numbers, named.numbers)
        found, scores = best(numbers[places], [vectors[places]], query, self.k)
        recall = self.collection.graph.recall if self.collection.graph else 1.0
        return Hits(found, scores, exact=named.exact, allowed=len(self.chosen), recall=recall)

    def _scored(self, queries: Sequence[Vectors]) -> Sequence[Hits]:
        """Fetch all that may be found and score them."""
        found = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)) for _ in queries]
        for numbers, vectors in self._blocks():
            for place, query in enumerate(queries):
                better = best(numbers, [vectors], query, self.k)
                found[place] = _merged(found[place], better, self.k)
        return [Hits(*pair, exact=True, allowed=len(self.chosen)) for pair in found]

    def _blocks(self) -> Iterator[tuple[Numbers, Vectors]]:
        for start in range(0, len(self.chosen), _BLOCK):
            yield self.collection.rows(self.chosen[start : start + _BLOCK])


def _merged(one: tuple[Numbers, Vectors], other: tuple[Numbers, Vectors], k: int) -> tuple[Numbers, Vectors]:
    numbers, scores = np.concatenate([one[0], other[0]]), np.concatenate([one[1], other[1]])
    order = np.lexsort((numbers, -scores))[:k]
    return numbers[order], scores[order]
