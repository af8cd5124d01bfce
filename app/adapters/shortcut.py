"""Searching by codes: they name candidates, as many as measured recall asks for, and the rows decide."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from app.adapters.four_bit_codes import FourBitCodes
from app.adapters.row_view import Choice, RowView
from app.adapters.search_depth import Depth
from app.database import Numbers
from app.domain import Vectors
from app.ports import Hits

SCARCE = 0.04
"""A filter that leaves a smaller share is scanned exactly: that is quicker than so many more candidates."""

_OVERSHOOT = 1.2
"""Behind a filter, so many times as many candidates are asked for as should do."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which part of the codes to ask, the recall measured of it, and how many allowed candidates to look at."""

    part: int
    recall: float
    wanted: int


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Codes of all rows, and how deep to ask each part of them; ``None`` where none is deep enough."""

    codes: FourBitCodes
    depths: Sequence[Depth | None]

    def find(
        self, view: RowView, query: Vectors, k: int, choice: Choice, named: Numbers | None = None
    ) -> Hits | None:
        """Find by codes; ``None`` where that is not the better way, or a filter hides what they name.

        ``named`` is what they named for the query already.
        """
        asked = self._asked(view, query, k, choice)
        if asked is None:
            return None
        if named is None:
            (named,) = self._named(view, query[np.newaxis], asked, choice)
        candidates = choice.among(named)[: asked.wanted]
        if len(candidates) < asked.wanted:
            return None
        numbers, scores = view.best_of(candidates, query, k)
        return Hits(numbers, scores, exact=False, allowed=choice.count, recall=asked.recall)

    def name_together(
        self, view: RowView, queries: Sequence[Vectors], k: int, choice: Choice
    ) -> Sequence[Numbers | None]:
        """Return what codes name for each query, asked in one scan for all queries of one part."""
        named: list[Numbers | None] = [None] * len(queries)
        alike: defaultdict[_Asked, list[int]] = defaultdict(list)
        for place, query in enumerate(queries):
            if asked := self._asked(view, query, k, choice):
                alike[asked].append(place)
        faiss.omp_set_num_threads(cores())
        for asked, places in alike.items():
            found = self._named(view, np.stack([queries[place] for place in places]), asked, choice)
            for place, positions in zip(places, found, strict=True):
                named[place] = positions
        return named

    def _asked(self, view: RowView, query: Vectors, k: int, choice: Choice) -> _Asked | None:
        if choice.is_few(k) or choice.count < SCARCE * len(view):
            return None
        part = self.codes.part_for(query)
        depth = self.depths[part]
        wanted = depth.candidates(k) if depth else None
        return _Asked(part, depth.recall, min(choice.count, wanted)) if depth and wanted else None

    def _named(self, view: RowView, queries: Vectors, asked: _Asked, choice: Choice) -> Sequence[Numbers]:
        wanted = asked.wanted
        if choice.mask is not None:
            wanted = min(len(view), int(_OVERSHOOT * wanted * len(view) / choice.count))
        return self.codes.parts[asked.part].best(queries, wanted)
