"""Many at once: clients, batches, and searches while tracks come and go."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import faiss
import numpy as np

from app.domain import Vectors
from app.ports import VectorIndex
from app.query import Query
from benchmarks.search_filters import NO_FILTER
from benchmarks.search_scans import Flat, Soundkin
from benchmarks.search_world import World

CLIENTS = (1, 2, 4, 16)
K = 10
BATCH = 64

_ROUND_S, _ROUND_TRACKS = 0.2, 10
"""Updates come ten at a time, fifty a second, as when the service follows its database."""


@dataclass(frozen=True, slots=True)
class Clients:
    """How so many clients fared, each asking the next query when it has its answer."""

    engine: str
    clients: int
    queries_per_s: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Batches:
    """Milliseconds per query: one at a time, and many together."""

    engine: str
    pattern: str
    single_ms: float
    together_ms: float


@dataclass(frozen=True, slots=True)
class Updates:
    """How a client fared while so many tracks a second changed.

    Attributes:
        engine: Ours.
        changes_per_s: Tracks added, replaced or removed.
        p50_ms: Of a query.
        p99_ms: Of a query.
        p99_by_p50: How much a client notices.
        write_p50_ms: Of one write.
        write_max_ms: Of one write.
    """

    engine: str
    changes_per_s: float
    p50_ms: float
    p99_ms: float
    p99_by_p50: float
    write_p50_ms: float
    write_max_ms: float


def many_clients(engines: Sequence[Soundkin | Flat], queries: Sequence[Query], seconds: float) -> Iterator[Clients]:
    """All engines with one client, with two, and so on."""
    for count in CLIENTS:
        for engine in engines:
            [ask] = engine.settings().values()
            started = time.perf_counter()
            took = _served(lambda query, ask=ask: ask(query, K, NO_FILTER), queries, count, seconds)
            rate = len(took) / (time.perf_counter() - started)
            yield Clients(engine.name, count, rate, *_percentiles(took))


def _served(ask: Callable[[Query], object], queries: Sequence[Query], clients: int, seconds: float) -> list[float]:
    """Seconds of each query."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    def be_client(first: int) -> None:
        for turn in range(first, 1_000_000_000):
            started = time.perf_counter()
            if started > until:
                return
            ask(queries[turn % len(queries)])
            took.append(time.perf_counter() - started)

    threads = [threading.Thread(target=be_client, args=(7 * number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def _percentiles(seconds: Sequence[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(seconds, [50, 99])
    return 1000 * float(p50), 1000 * float(p99)


def in_batches(
    ours: Soundkin, flat: Flat, pattern: str, queries: Sequence[Query], repeats: int
) -> Iterator[Batches]:
    """64 queries together against as many single ones, in turns."""
    asked = np.stack([query.vector for query in queries[:BATCH]])
    works: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        ours.name: (
            lambda: [ours.index.search(query, K) for query in asked],
            lambda: ours.index.search_many(asked, K),
        ),
        flat.name: (
            lambda: [flat.index.search(query[np.newaxis], K) for query in asked],
            lambda: flat.index.search(asked, K),
        ),
    }
    faiss.omp_set_num_threads(1)
    for name, alternatives in works.items():
        turns = [[_seconds(work) for work in alternatives] for _ in range(repeats)]
        single, together = 1000 * np.median(turns, axis=0) / len(asked)
        yield Batches(name, pattern, float(single), float(together))


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


class Updater:
    """Adds new tracks, replaces old ones and removes what it added, until told to stop."""

    def __init__(self, index: VectorIndex, world: World) -> None:
        self._index, self._tracks, self._arrivals = index, len(world), world.arrivals
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.write_s: list[float] = []
        self.changes = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        turn, due = 0, time.perf_counter()
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            self._update(turn)
            turn, due = turn + 1, due + _ROUND_S

    def _update(self, turn: int) -> None:
        """Four are new, three are replaced, and three go that came in the turn before."""
        generator = np.random.default_rng(turn)
        new = self._tracks + 4 * turn + np.arange(4)
        numbers = np.concatenate([generator.choice(self._tracks, 3, replace=False), new])
        vectors: Vectors = self._arrivals[(7 * turn + np.arange(7)) % len(self._arrivals)]
        if turn:
            self.write_s.append(_seconds(lambda: self._index.remove(new[:3] - 4)))
        self.write_s.append(_seconds(lambda: self._index.add(numbers, vectors)))
        self.changes += _ROUND_TRACKS


def while_updating(ours: Soundkin, world: World, queries: Sequence[Query], seconds: float) -> Iterator[Updates]:
    """One client without updates, then with them. The index is another one afterwards."""
    took = _served(lambda query: ours.index.search(query.vector, K), queries, 1, seconds)
    yield _noticed(ours.name, 0.0, took, [0.0])
    with Updater(ours.index, world) as updater:
        took = _served(lambda query: ours.index.search(query.vector, K), queries, 1, seconds)
    yield _noticed(ours.name, updater.changes / seconds, took, updater.write_s)


def _noticed(engine: str, changes_per_s: float, took: Sequence[float], writes: Sequence[float]) -> Updates:
    p50, p99 = _percentiles(took)
    return Updates(
        engine, changes_per_s, p50, p99, p99 / p50, 1000 * float(np.median(writes)), 1000 * float(np.max(writes))
    )
