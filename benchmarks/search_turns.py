"""Engines asked the same in turns, since a machine is faster at one time than at another."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.database import Numbers
from benchmarks.search_engines import EXACT, Ask, Case, Engine
from benchmarks.search_truth import recall

ENOUGH = 0.99
"""Recall beyond which nobody asks more thoroughly."""

_TURN = 8
"""Queries in a row, so that an engine may profit from its own caches."""


@dataclass(slots=True)
class Contestant:
    """An engine at one of its settings, and what it has done so far.

    Attributes:
        wall_s: Of each query.
        cpu_s: Of each query: CPU time of this process, or the time by the wall for what works elsewhere.
        answers: To each query.
    """

    engine: Engine
    setting: str
    ask: Ask
    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    answers: list[Numbers] = field(default_factory=list)

    def take(self, case: Case, chosen: slice, patience_s: float) -> None:
        """Answer some queries of a case, as long as there is patience."""
        for query in case.queries[chosen]:
            if sum(self.wall_s) > patience_s:
                return
            wall, cpu = time.perf_counter(), time.process_time()
            answer = self.ask(query, case.k, case.filter)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            self.wall_s.append(wall)
            self.cpu_s.append(cpu if self.engine.in_process else wall)
            self.answers.append(answer)

    def recall(self, case: Case) -> float:
        """Of what it was asked."""
        return recall(self.answers, case.right[: len(self.answers)])


def contestants(engine: Engine, case: Case, patience_s: float) -> list[Contestant]:
    """Its settings up to the first that finds enough, and its exact one.

    Each has been asked before, so that nothing is asked cold.
    """
    chosen, is_enough = [], False
    for setting, ask in engine.settings().items():
        if is_enough and setting != EXACT:
            continue
        trial = Contestant(engine, setting, ask)
        trial.take(case, slice(None), patience_s)
        is_enough = is_enough or trial.recall(case) >= ENOUGH
        chosen.append(Contestant(engine, setting, ask))
    return chosen


def sole(engine: Engine) -> Contestant:
    """Of an engine with one setting."""
    [(setting, ask)] = engine.settings().items()
    return Contestant(engine, setting, ask)


def take_turns(competing: Sequence[Contestant], case: Case, patience_s: float) -> None:
    """Ask everybody all queries of a case, some at a time; who has spent the patience is asked no more."""
    for contestant in competing:
        contestant.ask(case.queries[0], case.k, case.filter)
    for start in range(0, len(case.queries), _TURN):
        for contestant in competing:
            contestant.take(case, slice(start, start + _TURN), patience_s)


@dataclass(frozen=True, slots=True)
class Result:
    """What a contestant did.

    Attributes:
        engine: Ours is ``soundkin``.
        setting: How it was asked.
        pattern: How the queries weighed.
        filter: What could be found.
        k: How many were asked for.
        queries: How many queries.
        recall: Share of the true k best, by float64.
        said_recall: What the engine itself says of that.
        p50_ms: Median of a query, by the wall.
        p99_ms: 99th percentile.
        cpu_ratio: Median CPU time (time, for a server) over that of the flat float32 scan in the same turns.
        time_ratio: Median time over that of the flat float32 scan in the same turns.
        ours_ratio: Median time over ours in the same turns.
        limit_ratio: Median time over that of reading the bytes that the query must read.
        bytes_per_track: Memory, or disk for a database.
        build_s: Seconds until it could be asked.
    """

    engine: str
    setting: str
    pattern: str
    filter: str
    k: int
    queries: int
    recall: float
    said_recall: float | None
    p50_ms: float
    p99_ms: float
    cpu_ratio: float
    time_ratio: float
    ours_ratio: float
    limit_ratio: float | None
    bytes_per_track: float
    build_s: float


@dataclass(frozen=True, slots=True)
class Judge:
    """Makes results of turns.

    Attributes:
        bandwidth: Of the memory, in bytes per second.
        tracks: N.
        build_s: By engine.
    """

    bandwidth: float
    tracks: int
    build_s: dict[str, float]

    def results(self, competing: Sequence[Contestant], case: Case) -> Iterator[Result]:
        """Of turns whose first contestant is the flat scan and whose second is ours."""
        flat, ours = competing[:2]
        for contestant in competing:
            engine, p50_s = contestant.engine, float(np.median(contestant.wall_s))
            yield Result(
                engine=engine.name,
                setting=contestant.setting,
                pattern=case.pattern,
                filter=case.filter,
                k=case.k,
                queries=len(contestant.answers),
                recall=contestant.recall(case),
                said_recall=engine.said_recall(case.queries[0], case.k, case.filter),
                p50_ms=1000 * p50_s,
                p99_ms=1000 * float(np.percentile(contestant.wall_s, 99)),
                cpu_ratio=_ratio(contestant.cpu_s, flat.cpu_s if engine.in_process else flat.wall_s),
                time_ratio=_ratio(contestant.wall_s, flat.wall_s),
                ours_ratio=_ratio(contestant.wall_s, ours.wall_s),
                limit_ratio=self._limit_ratio(contestant, case),
                bytes_per_track=engine.size() / self.tracks,
                build_s=self.build_s[engine.name],
            )

    def _limit_ratio(self, contestant: Contestant, case: Case) -> float | None:
        ratios = []
        for query, wall_s in zip(case.queries, contestant.wall_s, strict=False):
            touched = contestant.engine.touched(query, case.filter)
            if touched is None:
                return None
            ratios.append(wall_s / (touched / self.bandwidth))
        return float(np.median(ratios))


def _ratio(these: Sequence[float], those: Sequence[float]) -> float:
    return float(np.median(these) / np.median(those))
