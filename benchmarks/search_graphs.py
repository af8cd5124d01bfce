"""Libraries that build a graph (HNSW) over whole vectors: hnswlib, usearch, Voyager.

The weights stand on the query's side, as with our index, so that all answer the same question. Graphs are built by
all cores with the parameters that most people take, and asked by one thread ever more thoroughly.
"""

import os
from abc import abstractmethod
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from app.database import Numbers
from app.domain import Vectors
from app.query import Query
from benchmarks.search_engines import EXACT, Ask, Engine, NotThere, Pace, batches, masks
from benchmarks.search_filters import Filters
from benchmarks.search_world import World

LINKS, BREADTH = 16, 200
"""M and efConstruction."""

EFFORTS = (64, 256, 1024, 4096)
"""ef: tracks that a search keeps in view."""

_BATCH = 5_000


def library(name: str) -> object:
    """A package that may be missing. Raises ``NotThere``."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise NotThere(f"the package {name} is not installed") from error


class Graph(Engine):
    """What these libraries have in common."""

    def build(self, world: World, filters: Filters, pace: Pace) -> None:
        self._begin(world, filters)
        numbers = np.arange(len(world))
        for batch in batches(len(world), _BATCH):
            self._add(numbers[batch], world.vectors[batch])
            pace.check(batch.stop, len(world))

    @abstractmethod
    def _begin(self, world: World, filters: Filters) -> None: ...
    @abstractmethod
    def _add(self, numbers: Numbers, vectors: Vectors) -> None: ...
    @abstractmethod
    def _search(self, effort: int, query: Query, k: int, filter_name: str) -> Numbers: ...

    def settings(self) -> Mapping[str, Ask]:
        return {f"ef {effort}": partial(self._search, effort) for effort in EFFORTS}


class Hnswlib(Graph):
    """hnswlib. Its filter is a function that it asks about each track on its way."""

    name = "hnswlib"

    def _begin(self, world: World, filters: Filters) -> None:
        self._index = library("hnswlib").Index(space="ip", dim=world.vectors.shape[1])
        self._index.init_index(max_elements=len(world), M=LINKS, ef_construction=BREADTH)
        self._filters = {name: mask.tolist().__getitem__ for name, mask in masks(world, filters).items()}

    def _add(self, numbers: Numbers, vectors: Vectors) -> None:
        self._index.add_items(vectors, numbers, num_threads=os.cpu_count())

    def _search(self, effort: int, query: Query, k: int, filter_name: str) -> Numbers:
        self._index.set_ef(max(effort, k))
        try:
            numbers, _ = self._index.knn_query(query.vector, k, 1, self._filters.get(filter_name))
        except RuntimeError:  # it found fewer than k and gives none of them
            return np.empty(0, dtype=np.int64)
        return numbers[0].astype(np.int64)

    def size(self) -> float:
        return float(self._index.index_file_size())


class Usearch(Graph):
    """Usearch in half precision. Its Python has no filters."""

    name = "usearch"
    can_filter = False

    def _begin(self, world: World, filters: Filters) -> None:  # noqa: ARG002
        self._index = library("usearch.index").Index(
            ndim=world.vectors.shape[1], metric="ip", dtype="f16", connectivity=LINKS, expansion_add=BREADTH
        )

    def _add(self, numbers: Numbers, vectors: Vectors) -> None:
        self._index.add(numbers, vectors, threads=os.cpu_count())

    def settings(self) -> Mapping[str, Ask]:
        return {**super().settings(), EXACT: self._scan}

    def _search(self, effort: int, query: Query, k: int, _filter_name: str) -> Numbers:
        self._index.expansion_search = max(effort, k)
        return self._index.search(query.vector, k, threads=1).keys.astype(np.int64)

    def _scan(self, query: Query, k: int, _filter_name: str) -> Numbers:
        return self._index.search(query.vector, k, threads=1, exact=True).keys.astype(np.int64)

    def size(self) -> float:
        return float(self._index.memory_usage)


class Voyager(Graph):
    """Voyager in float32; it has no filters."""

    name = "voyager"
    can_filter = False

    def _begin(self, world: World, filters: Filters) -> None:  # noqa: ARG002
        voyager = library("voyager")
        self._index = voyager.Index(
            voyager.Space.InnerProduct, world.vectors.shape[1], M=LINKS, ef_construction=BREADTH
        )
        self._index.resize(len(world))

    def _add(self, numbers: Numbers, vectors: Vectors) -> None:
        self._index.add_items(vectors, numbers.tolist(), num_threads=os.cpu_count())

    def _search(self, effort: int, query: Query, k: int, _filter_name: str) -> Numbers:
        numbers, _ = self._index.query(query.vector, k, num_threads=1, query_ef=max(effort, k))
        return numbers.astype(np.int64)

    def size(self) -> float:
        with TemporaryDirectory() as folder:
            path = Path(folder) / "index"
            self._index.save(str(path))
            return float(path.stat().st_size)
