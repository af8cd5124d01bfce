"""Milvus: the index of one (library, encoder) in a server that any number of processes share.

The vectors lie in a collection of Milvus, and an alias, named after library and encoder, says in which. An index
that is built anew fills a collection of its own, beside the one that serves; ``snapshot`` points the alias to it
and removes the one before, which other processes notice and follow. The change number is a property of the
collection, so a process without any file takes up what others have built.

Every process applies every change, and all write the same, so it does not matter who is first. Milvus chooses
candidates; they are scored again in float64, so that scores and order are those of the reference index. The numbers
of all tracks are kept in memory (8 bytes each): filters, counts and the order of ties need them at every search.
"""

import functools
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np

from app.adapters.milvus_collection import Graph, MilvusCollection, age_s, fresh_name
from app.adapters.milvus_graph import BROADEST, measure_graph
from app.adapters.milvus_search import MilvusSearch
from app.adapters.milvus_server import ANSWER_S, CollectionGone, MilvusServer
from app.adapters.read_write_lock import ReadWriteLock
from app.database import Numbers
from app.domain import EncoderInfo, Vectors
from app.errors import IndexCorrupt, IndexUnavailable
from app.index_rows import checked_query, checked_rows, distinct, find, no_hits
from app.ports import Hits

_GROWTH = 1.5
"""Graphs are measured anew, and tried again that did not do, once the catalogue has grown by this factor."""

_GRAPH_FROM = 200_000
"""From so many rows on ``improve`` builds a graph; up to there Milvus looks at every row, and misses none."""

_BLOCK = 4096
_ABANDONED_S = 86_400.0
"""A collection that is this old and behind no alias was left by a process that died while it built."""

_OF_SNAPSHOT = {"seq", "identity", "longest"}
"""What is noted of the rows, whichever way they are searched."""

P = ParamSpec("P")
R = TypeVar("R")


def _following(method: Callable[Concatenate["MilvusIndex", P], R]) -> Callable[Concatenate["MilvusIndex", P], R]:
    """Go to where the alias points when another process has put a new collection in the place of ours."""

    @functools.wraps(method)
    def asked(self: "MilvusIndex", /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except CollectionGone:
            self._follow()
            return method(self, *args, **kwargs)

    return asked


class MilvusIndex:
    """An index in Milvus. Searches run side by side; a write of this process waits for them and holds them off.

    What another process writes may be seen in part while it does, and is found once this one has applied it too.
    """

    def __init__(self, server: MilvusServer, library_id: str, encoder: EncoderInfo, recall: float = 0.99) -> None:
        self._server = server
        self._encoder = encoder
        self._whose = f"{library_id} {encoder.id} {encoder.digest}"
        self._alias = f"soundkin_{hashlib.sha256(self._whose.encode()).hexdigest()[:32]}"
        self._collection: MilvusCollection | None = None
        self._is_published = False
        self._held = np.empty(0, dtype=np.int64)
        self._is_stale = False
        self._longest = 0.0
        self._recall = recall
        self._improving = threading.Lock()
        self._tried_at = 0
        self._touched: list[Numbers] | None = None
        self._lock = ReadWriteLock()
        self._refreshing = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    @_following
    def add(self, numbers: Numbers, vectors: Vectors) -> None:
        numbers, vectors = checked_rows(numbers, vectors, self._encoder.dimension)
        if not len(numbers):
            return
        with self._writing(numbers) as collection:
            collection.upsert(numbers, vectors)
            self._held = np.union1d(self._held, numbers)
            self._longest = max(self._longest, float(np.linalg.norm(vectors.astype(np.float64), axis=1).max()))

    @_following
    def remove(self, numbers: Numbers) -> None:
        if not len(find(self._held, distinct(numbers))[0]) and not self._is_stale:
            return
        with self._writing(numbers) as collection:
            collection.delete(distinct(numbers))
            self._held = np.setdiff1d(self._held, numbers)

    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        return self._search([checked_query(query, k, self._encoder.dimension)], k, allowed)[0]

    def search_many(self, queries: Vectors, k: int, allowed: Numbers | None = None) -> Sequence[Hits]:
        return self._search([checked_query(query, k, self._encoder.dimension) for query in queries], k, allowed)

    @_following
    def _search(self, queries: Sequence[Vectors], k: int, allowed: Numbers | None) -> Sequence[Hits]:
        with self._reading() as (collection, held):
            chosen = held if allowed is None else held[find(held, distinct(allowed))[0]]
            if collection is None or not len(chosen):
                return [no_hits() for _ in queries]
            return MilvusSearch(collection, held, chosen, k, self._longest).hits(queries)

    @_following
    def vectors(self, numbers: Numbers) -> Vectors:
        found = np.zeros((len(numbers), self._encoder.dimension), dtype=np.float32)
        with self._reading() as (collection, held):
            wanted = held[find(held, distinct(numbers))[0]]
            if collection is not None and len(wanted):
                there, vectors = collection.rows(wanted)
                places, which = find(there, numbers)
                found[which] = vectors[places]
        return found

    @_following
    def numbers(self) -> Numbers:
        with self._reading() as (_, held):
            return held.copy()

    @_following
    def snapshot(self, folder: Path, *, seq: int, identity: str) -> None:  # noqa: ARG002  # nothing lies in files
        with self._writing() as collection:
            collection.note({"seq": str(seq), "identity": identity, "longest": repr(self._longest)})
            if not self._is_published:
                self._publish(collection)

    def restore(self, folder: Path, *, identity: str) -> int:  # noqa: ARG002  # nothing lies in files
        try:
            collection = MilvusCollection.attach(self._server, self._alias, self._encoder)
        except CollectionGone as error:
            raise IndexCorrupt(f"{self._alias} cannot be read from Milvus ({error}); it is built anew.") from error
        noted = collection.noted()
        if noted.get("identity") != identity:
            raise IndexCorrupt(
                f"{collection.name} belongs to {noted.get('identity')!r}; expected {identity!r}. Rebuild the index "
                "from the database."
            )
        with self._lock.writing():
            if self._collection is not None and not self._is_published:
                self._collection.drop()
            self._take(collection, noted)
        return int(noted["seq"])

    def improve(self, is_stopped: Callable[[], bool] = lambda: False) -> bool:
        """Build graphs, where that pays, or measure those that are there anew, with a collection beside.

        Where graphs do not do any more, that collection without them takes their place.
        """
        if not self._improving.acquire(blocking=False):
            return False
        try:
            return self._is_worth_it() and self._improve(is_stopped)
        finally:
            self._touched = None
            self._improving.release()

    def _is_worth_it(self) -> bool:
        if self._collection is None:
            return False
        if self._collection.graph is not None:
            return self._is_outdated(self._collection.graph)
        return self._may_have_graph() and len(self) >= _GROWTH * self._tried_at

    def _may_have_graph(self) -> bool:
        return self._recall < 1 and len(self) >= _GRAPH_FROM

    def _is_outdated(self, graph: Graph | None) -> bool:
        """Whether graphs were measured for less than is wanted, or among far fewer or more rows."""
        if graph is None or graph.wanted < self._recall:
            return True
        return not graph.measured_at / _GROWTH < len(self) < graph.measured_at * _GROWTH

    @_following
    def _improve(self, is_stopped: Callable[[], bool]) -> bool:
        with self._writing() as collection:
            held, self._touched = self._held, []
        if not self._is_worth_it():
            return False
        work = self._build if collection.graph is None else self._measure_anew
        return work(collection, held, is_stopped)

    def _build(self, collection: MilvusCollection, held: Numbers, is_stopped: Callable[[], bool]) -> bool:
        with self._copy(collection, Graph(BROADEST), held, is_stopped) as copy:
            if copy is None:
                return False
            copy.graph = measure_graph(collection, copy, self._encoder, held, self._recall)
            return copy.graph is not None and self._change(collection, copy)

    def _measure_anew(self, collection: MilvusCollection, held: Numbers, is_stopped: Callable[[], bool]) -> bool:
        """Searches go on as broadly as before until it is known how broadly they have to."""
        again = MilvusCollection.attach(self._server, collection.name, self._encoder)
        if self._is_outdated(again.graph):  # else another process has measured it
            with self._copy(collection, None, held, is_stopped) as flat:
                if flat is None:
                    return False
                measured = self._may_have_graph() and measure_graph(flat, again, self._encoder, held, self._recall)
                if not measured:
                    return self._change(collection, flat)
                again.graph = measured
                again.note(measured.notes())
        collection.graph = again.graph
        return True

    @contextmanager
    def _copy(
        self, collection: MilvusCollection, graph: Graph | None, held: Numbers, is_stopped: Callable[[], bool]
    ) -> Iterator[MilvusCollection | None]:
        """Copy all rows into a collection beside, or as far as it gets; it goes again unless it serves then."""
        copy = self._create(graph)
        try:
            is_whole = _copied(collection, copy, held, is_stopped)
            self._tried_at = len(held) if is_whole else self._tried_at
            yield copy if is_whole else None
        finally:
            if self._collection is not copy:
                copy.drop()

    def discard(self) -> None:
        with self._lock.writing():
            with suppress(CollectionGone):
                self._server.call("drop_alias", self._alias)
            for name in self._generations():
                self._server.call("drop_collection", name)
            self._collection, self._is_published, self._held = None, False, np.empty(0, dtype=np.int64)

    def _generations(self) -> Sequence[str]:
        return [name for name in self._server.call("list_collections") if name.startswith(f"{self._alias}_")]

    def stats(self) -> Mapping[str, int | float | str]:
        collection, tracks = self._collection, len(self._held)
        return {
            "kind": "milvus, graph" if collection and collection.graph else "milvus, exact",
            "recall": collection.graph.recall if collection and collection.graph else 1.0,
            "tracks": tracks,
            "dimension": self._encoder.dimension,
            "bytes": collection.bytes(tracks) if collection else 0,
        }

    @contextmanager
    def _reading(self) -> Iterator[tuple[MilvusCollection | None, Numbers]]:
        with self._lock.reading():
            self._refresh()
            yield self._collection, self._held

    @contextmanager
    def _writing(self, numbers: Numbers | None = None) -> Iterator[MilvusCollection]:
        """Hold off everybody else. Of a write that fails we do not know how far it came."""
        with self._lock.writing():
            self._refresh()
            if self._collection is None:
                self._collection = self._create(None)
            if self._touched is not None and numbers is not None:
                self._touched.append(numbers)
            try:
                yield self._collection
            except BaseException:
                self._is_stale = True
                raise

    def _refresh(self) -> None:
        with self._refreshing:
            if self._is_stale and self._collection is not None:
                self._held, self._is_stale = self._collection.numbers(), False

    def _create(self, graph: Graph | None) -> MilvusCollection:
        return MilvusCollection.create(self._server, fresh_name(self._alias), self._encoder, graph)

    def _follow(self) -> None:
        """Load our collection again after a restart of the server; take the one behind the alias if it is gone."""
        with self._lock.writing():
            try:
                if self._collection is not None and self._collection.load(ANSWER_S):
                    return
                collection = MilvusCollection.attach(self._server, self._alias, self._encoder)
            except CollectionGone as error:
                raise IndexUnavailable(
                    f"The vectors of {self._whose} are gone from Milvus ({error}). Build them anew: soundkin index "
                    "rebuild."
                ) from error
            self._take(collection, collection.noted())

    def _take(self, collection: MilvusCollection, noted: Mapping[str, str]) -> None:
        if collection.graph is not None and collection.graph.wanted < self._recall:
            collection.graph = replace(collection.graph, breadth=BROADEST)  # until that is measured
        self._collection, self._is_published = collection, True
        self._held, self._is_stale = collection.numbers(), False
        self._longest = max(self._longest, float(noted.get("longest", "0")))

    def _change(self, former: MilvusCollection, copy: MilvusCollection) -> bool:
        """Copy what was written meanwhile, and let the copy serve."""
        with self._lock.writing():
            touched = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *(self._touched or [])]))
            numbers, vectors = former.rows(touched)
            copy.upsert(numbers, vectors)
            copy.delete(np.setdiff1d(touched, numbers))
            if copy.graph is not None:
                copy.note(copy.graph.notes())
            was_published, self._is_published, self._collection = self._is_published, False, copy
            if was_published:
                copy.note({name: value for name, value in former.noted().items() if name in _OF_SNAPSHOT})
                self._publish(copy)
            else:
                former.drop()
        return True

    def _publish(self, collection: MilvusCollection) -> None:
        """Point the alias to a collection, and remove those whose place it takes."""
        former = collection.stand_behind(self._alias)
        self._is_published = True
        for name in self._generations():
            if name != collection.name and (name == former or age_s(name) > _ABANDONED_S):
                self._server.call("drop_collection", name)


def _copied(
    source: MilvusCollection, copy: MilvusCollection, numbers: Numbers, is_stopped: Callable[[], bool]
) -> bool:
    """Copy rows until all are there; return whether they are."""
    for start in range(0, len(numbers), _BLOCK):
        if is_stopped():
            return False
        copy.upsert(*source.rows(numbers[start : start + _BLOCK]))
    return copy.finish(is_stopped)
