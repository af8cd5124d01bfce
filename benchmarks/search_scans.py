"""Our engine, and the plain scans of FAISS beside which it is measured. None of them misses a track by chance."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise

import faiss
import numpy as np

from app.adapters.faiss_index import FaissIndex
from app.database import Numbers
from app.query import Query
from app.services.joint_index import JointIndex
from benchmarks.search_engines import EXACT, Ask, Case, Engine, Pace, batches
from benchmarks.search_filters import NO_FILTER, Filters
from benchmarks.search_world import World

_BATCH = 10_000

_CODE_BYTES = 0.25
"""Of a dimension, where our index looks at codes first and is not exact."""


def active_dimensions(query: Query) -> int:
    """How many dimensions a query weighs."""
    return sum(space.dimension for space, share in zip(query.spaces, query.shares, strict=True) if share)


class Soundkin(Engine):
    """The index of the service, asked through its port."""

    name = "soundkin"

    def build(self, world: World, filters: Filters, pace: Pace) -> None:  # noqa: ARG002 - waited for anyhow
        self.index = FaissIndex(world.encoder)
        numbers = np.arange(len(world))
        for batch in batches(len(world), _BATCH):
            self.index.add(numbers[batch], world.vectors[batch])
        self.index.improve()
        self._filters = filters

    def settings(self) -> Mapping[str, Ask]:
        return {str(self.index.stats()["kind"]): self._search}

    def _search(self, query: Query, k: int, filter_name: str) -> Numbers:
        return self.index.search(query.vector, k, self._filters.get(filter_name)).numbers

    def size(self) -> float:
        return float(self.index.stats()["bytes"])

    def touched(self, query: Query, filter_name: str) -> float | None:
        hits = self.index.search(query.vector, 1, self._filters.get(filter_name))
        active = active_dimensions(query)
        if hits.exact:
            return 2.0 * active * hits.allowed
        joint = sum(space.dimension for space in query.spaces)
        return _CODE_BYTES * (active if np.count_nonzero(query.shares) == 1 else joint) * len(self.index)

    def said_recall(self, query: Query, k: int, filter_name: str) -> float | None:
        return self.index.search(query.vector, k, self._filters.get(filter_name)).recall


class Flat(Engine):
    """FAISS's ``IndexFlatIP`` over whole vectors in float32, by one thread. Bitmaps of filters are made before."""

    name = "faiss flat float32"

    def build(self, world: World, filters: Filters, pace: Pace) -> None:  # noqa: ARG002
        self.index = faiss.IndexFlatIP(world.vectors.shape[1])
        self.index.add(world.vectors)
        self._counts = {name: len(allowed) for name, allowed in filters.items()}
        self._parameters = {name: _parameters(allowed, len(world)) for name, allowed in filters.items()}

    def settings(self) -> Mapping[str, Ask]:
        return {EXACT: self._search}

    def _search(self, query: Query, k: int, filter_name: str) -> Numbers:
        faiss.omp_set_num_threads(1)
        _, numbers = self.index.search(query.vector[np.newaxis], k, params=self._parameters.get(filter_name))
        return found_numbers(numbers[0])

    def size(self) -> float:
        return 4.0 * self.index.ntotal * self.index.d

    def touched(self, query: Query, filter_name: str) -> float | None:  # noqa: ARG002 - zeros are read too
        if filter_name == NO_FILTER:
            return self.size()
        return 4.0 * self.index.d * self._counts[filter_name] + self.index.ntotal / 8


def _parameters(allowed: Numbers, count: int) -> faiss.SearchParameters:
    bits = np.zeros(count, dtype=np.bool_)
    bits[allowed] = True
    return faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(bits, bitorder="little")))


def found_numbers(numbers: Numbers) -> Numbers:
    """Without the -1 that stand where nothing was found."""
    return numbers[numbers >= 0]


class FlatSpaces(Engine):
    """One ``IndexFlatIP`` per space, for queries that weigh one space and filter nothing."""

    name = "faiss flat, one space"
    can_filter = False

    def build(self, world: World, filters: Filters, pace: Pace) -> None:  # noqa: ARG002
        self._indexes = {}
        for name, place in world.encoder.slices().items():
            self._indexes[name] = (place, faiss.IndexFlatIP(place.stop - place.start))
            for batch in batches(len(world), _BATCH):
                self._indexes[name][1].add(np.ascontiguousarray(world.vectors[batch, place]))

    def fits(self, case: Case) -> bool:
        return super().fits(case) and all(np.count_nonzero(query.shares) == 1 for query in case.queries)

    def settings(self) -> Mapping[str, Ask]:
        return {EXACT: self._search}

    def _search(self, query: Query, k: int, _filter_name: str) -> Numbers:
        faiss.omp_set_num_threads(1)
        place, index = self._indexes[query.spaces[int(np.flatnonzero(query.shares)[0])].name]
        return found_numbers(index.search(np.ascontiguousarray(query.vector[np.newaxis, place]), k)[1][0])

    def size(self) -> float:
        return sum(4.0 * index.ntotal * index.d for _, index in self._indexes.values())

    def touched(self, query: Query, filter_name: str) -> float | None:  # noqa: ARG002
        return 4.0 * active_dimensions(query) * next(iter(self._indexes.values()))[1].ntotal


class Joint(Engine):
    """The same spaces shared out to two encoders with an index each, as a search across encoders finds them.

    Like the service it asks one index alone where a query weighs the spaces of one encoder only.
    """

    name = "soundkin, two encoders"

    def build(self, world: World, filters: Filters, pace: Pace) -> None:  # noqa: ARG002
        spaces = world.encoder.spaces
        borders = [0, len(spaces) // 2, len(spaces)]
        ends = np.cumsum([0, *(space.dimension for space in spaces)]).tolist()
        numbers = np.arange(len(world))
        self._parts = []
        for first, last in pairwise(borders):
            index, place = (
                FaissIndex(replace(world.encoder, spaces=spaces[first:last])),
                slice(ends[first], ends[last]),
            )
            for batch in batches(len(world), _BATCH):
                index.add(numbers[batch], world.vectors[batch, place])
            index.improve()
            self._parts.append((index, place))
        self._filters = filters

    def settings(self) -> Mapping[str, Ask]:
        return {"threshold algorithm": self._search}

    def _search(self, query: Query, k: int, filter_name: str) -> Numbers:
        asked = [(index, place) for index, place in self._parts if query.vector[place].any()]
        allowed = self._filters.get(filter_name)
        if len(asked) > 1:
            joint = JointIndex([index for index, _ in asked], [place for _, place in asked])
            return joint.search(query.vector, k, allowed).numbers
        [(index, place)] = asked
        return index.search(query.vector[place], k, allowed).numbers

    def size(self) -> float:
        return sum(float(index.stats()["bytes"]) for index, _ in self._parts)
