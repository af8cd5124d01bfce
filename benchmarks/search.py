"""How well, how fast and in how little memory tracks are found, beside FAISS by itself and other engines.

    python -m benchmarks.search [--tracks 100000] [--quick] [--engines hnswlib,usearch] [--markdown] [--json FILE]

Tracks with correlated spaces are made up, or a real catalogue's vectors are drawn anew (--vectors). Queries are
composed as the service does, by every way of weighing; the truth is float64 on the vectors as they came. Times are
of one client in one thread, in turns with the flat float32 scan of FAISS and with ours, so that ratios hold on a
machine that does other work too. Then come many clients, batches, and searches while tracks change. Other engines
come with `pip install 'soundkin[engines]'`; what is not there or takes too long to build is left out, and said so.
"""

import argparse
import json
import sys
from pathlib import Path

if not __package__:  # python benchmarks/search.py
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from benchmarks.search_databases import LanceDb, MilvusHybrid, MilvusLite, Pgvector
from benchmarks.search_engines import Case, Engine, NotThere, Pace, TooSlow
from benchmarks.search_filters import FILTERS, NO_FILTER, Filters, new_filters
from benchmarks.search_graphs import Hnswlib, Usearch, Voyager
from benchmarks.search_load import BATCH, Batches, Clients, Updates, in_batches, many_clients, while_updating
from benchmarks.search_machine import bandwidth, machine, resident_bytes
from benchmarks.search_patterns import PATTERNS, questions
from benchmarks.search_scans import Flat, FlatSpaces, Joint, Soundkin
from benchmarks.search_tables import Table, ahead, ahead_table, beside_each_other, ours_by_filter, table_of
from benchmarks.search_truth import truth
from benchmarks.search_turns import Judge, Result, contestants, sole, take_turns
from benchmarks.search_world import WIDTHS, MadeUp, Resampled, Source, World, new_world

PEERS: dict[str, Callable[[], Engine]] = {
    "one-space": FlatSpaces,
    "joint": Joint,
    "hnswlib": Hnswlib,
    "usearch": Usearch,
    "voyager": Voyager,
    "lancedb": LanceDb,
    "milvus": MilvusLite,
    "milvus-hybrid": MilvusHybrid,
    "pgvector": Pgvector,
}

LESS = ("uniform", "one space")
"""Patterns by which peers are asked with filters, and for more than ten."""

MANY = 500_000
"""Tracks beyond which a scan needs more patience."""


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        ks: How many tracks are asked for.
        queries: Of each pattern.
        peer_queries: So many of them are put to others too.
        peers: Names of other engines.
        peer_tracks: They are left out of larger catalogues.
        build_s: How long building one of them may take.
        patience_s: How long an engine may spend on a case.
        load_s: How long each number of clients is watched; 0 leaves out whatever happens at once.
    """

    ks: tuple[int, ...] = (10, 100)
    queries: int = 96
    peer_queries: int = 40
    peers: tuple[str, ...] = tuple(PEERS)
    peer_tracks: int = 1_000_000
    build_s: float = 450
    patience_s: float = 1
    load_s: float = 4


@dataclass(frozen=True, slots=True)
class Build:
    """What it took to take all tracks in: seconds, and bytes by its own account and by the system's."""

    engine: str
    build_s: float
    bytes_per_track: float
    resident_bytes_per_track: float


@dataclass(slots=True)
class Found:
    """Everything that was measured."""

    machine: dict[str, str | int | float] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    builds: list[Build] = field(default_factory=list)
    clients: list[Clients] = field(default_factory=list)
    batches: list[Batches] = field(default_factory=list)
    updates: list[Updates] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep and tell at once."""
        self.notes.append(text)
        tell(text)


def tell(text: str) -> None:
    """Say how it goes, where it does not mix with the tables."""
    print(text, file=sys.stderr, flush=True)


def new_cases(world: World, filters: Filters, plan: Plan) -> list[Case]:
    """Every pattern with every filter and k."""
    asked = {pattern: questions(world, pattern, plan.queries) for pattern in PATTERNS}
    vectors = [query.vector for queries in asked.values() for query in queries]
    allowed = {name: filters.get(name) for name in FILTERS}
    right = truth(world.vectors, vectors, max(plan.ks), allowed)
    return [
        Case(pattern, name, k, asked[pattern], [best[:k] for best in right[name][start : start + plan.queries]])
        for k in plan.ks
        for name in FILTERS
        for pattern, start in zip(asked, range(0, len(vectors), plan.queries), strict=True)
    ]


class Benchmark:
    """One run over one catalogue."""

    def __init__(self, world: World, plan: Plan) -> None:
        self._world, self._plan = world, plan
        self._filters = new_filters(world)
        self.found = Found()
        self._cases = new_cases(world, self._filters, plan)
        bytes_per_s = bandwidth()
        self.found.machine = {"tracks": len(world), **machine(bytes_per_s)}
        self._judge = Judge(bytes_per_s, len(world), {})
        self._flat, self._ours = Flat(), Soundkin()

    def run(self) -> None:
        """Measure whatever the plan says."""
        for engine in (self._flat, self._ours):
            self._build(engine, Pace(np.inf))
        for case in self._cases:
            self._compare([], case)
        for name in self._plan.peers:
            self._measure_peer(name)
        if self._plan.load_s:
            self._load()

    def _build(self, engine: Engine, pace: Pace) -> None:
        before, started = resident_bytes(), time.perf_counter()
        engine.build(self._world, self._filters, pace)
        build_s = time.perf_counter() - started
        tracks = len(self._world)
        grown = (resident_bytes() - before) / tracks
        self._judge.build_s[engine.name] = build_s
        self.found.builds.append(Build(engine.name, build_s, engine.size() / tracks, grown))
        tell(f"{engine.name} built in {build_s:.1f} s")

    def _compare(self, peers: Sequence[Engine], case: Case) -> None:
        """Keep the results of peers; those of the flat scan and of ours only where there are none."""
        competing = [sole(self._flat), sole(self._ours)]
        for engine in peers:
            competing += contestants(engine, case, self._plan.patience_s)
        take_turns(competing, case, self._plan.patience_s)
        results = list(self._judge.results(competing, case))[2 if peers else 0 :]
        self.found.results += results
        for result in results:
            tell(_progress(result))

    def _measure_peer(self, name: str) -> None:
        if len(self._world) > self._plan.peer_tracks:
            self.found.note(f"{name} is left out: more than --peer-tracks {self._plan.peer_tracks}")
            return
        engine = PEERS[name]()
        try:
            self._build(engine, Pace(self._plan.build_s))
            for case in self._peer_cases(engine):
                self._compare([engine], case)
        except (NotThere, TooSlow) as error:
            self.found.note(f"{name} is left out: {error}")
        except Exception as error:  # noqa: BLE001 - a run of an hour goes on without it
            self.found.note(f"{name} failed: {type(error).__name__}: {error}")
        finally:
            engine.close()

    def _peer_cases(self, engine: Engine) -> Iterator[Case]:
        """All patterns; filters and more than ten tracks by fewer of them."""
        fewest = min(self._plan.ks)
        for case in self._cases:
            is_plain = case.filter == NO_FILTER and case.k == fewest
            is_less = case.pattern in LESS and (case.filter == NO_FILTER or case.k == fewest)
            if (is_plain or is_less) and engine.fits(case):
                count = self._plan.peer_queries
                yield replace(case, queries=case.queries[:count], right=case.right[:count])

    def _load(self) -> None:
        found, seconds = self.found, self._plan.load_s
        asked = {case.pattern: case.queries for case in self._cases}
        mixed = [query for queries in zip(*asked.values(), strict=True) for query in queries]
        found.clients += many_clients([self._ours, self._flat], mixed, seconds)
        for pattern in LESS:
            queries = questions(self._world, pattern, BATCH)
            found.batches += in_batches(self._ours, self._flat, pattern, queries, 3)
        found.updates += while_updating(self._ours, self._world, mixed, 3 * seconds)


def _progress(result: Result) -> str:
    return (
        f"{result.engine:22} {result.setting:20} {result.pattern:18} {result.filter:5} k {result.k:3}  "
        f"recall {result.recall:.3f}  p50 {result.p50_ms:8.3f} ms  CPU / flat {result.cpu_ratio:6.3f}"
    )


def tables(found: Found) -> Iterator[Table]:
    """What is printed, in order."""
    yield Table("Machine", ["", "value"], [[name, str(value)] for name, value in found.machine.items()])
    for k in dict.fromkeys(result.k for result in found.results):
        yield ours_by_filter(found.results, k)
    yield beside_each_other(found.results)
    if compared := ahead(found.results):
        yield ahead_table(compared)
    yield table_of("Building and memory", found.builds)
    parts = {
        "Many clients, all patterns": found.clients,
        "64 queries together": found.batches,
        "One client while tracks change": found.updates,
    }
    for title, records in parts.items():
        if records:
            yield table_of(title, records)


def written(found: Found) -> dict[str, object]:
    """The JSON file."""
    lists = {name: getattr(found, name) for name in ("results", "builds", "clients", "batches", "updates")}
    compared = [asdict(one) for one in ahead(found.results)]
    records = {name: [asdict(record) for record in records] for name, records in lists.items()}
    return {"machine": found.machine, **records, "ahead": compared, "notes": found.notes}


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="ours and the flat scan, k = 10: under a minute")
    parser.add_argument("--engines", help=f"others, by commas, out of {','.join(PEERS)}; empty for none")
    parser.add_argument("--vectors", type=Path, help="(N, D) vectors of a real catalogue, as .npy")
    parser.add_argument("--spaces", default=",".join(map(str, WIDTHS)), help="dimensions of each space")
    parser.add_argument("--queries", type=int, help="of each pattern")
    parser.add_argument("--peer-tracks", type=int, default=Plan.peer_tracks, help="others only up to this size")
    parser.add_argument("--build-budget", type=float, default=Plan.build_s, help="seconds to build another one")
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    parser.add_argument("--json", type=Path)
    return parser.parse_args(arguments)


def planned(options: argparse.Namespace) -> Plan:
    """What the options ask for."""
    peers = tuple(PEERS) if options.engines is None else tuple(filter(None, options.engines.split(",")))
    if unknown := set(peers) - set(PEERS):
        raise SystemExit(f"There is no engine {', '.join(sorted(unknown))}; take some of {', '.join(PEERS)}.")
    plan = Plan(peers=peers, peer_tracks=options.peer_tracks, build_s=options.build_budget)
    if options.tracks > MANY:
        plan = replace(plan, patience_s=2 * plan.patience_s)
    if options.quick:
        plan = replace(plan, ks=(10,), queries=48, peers=(), load_s=0)
    return replace(plan, queries=options.queries or plan.queries)


def sourced(options: argparse.Namespace) -> Source:
    """Where tracks come from."""
    widths = [int(width) for width in options.spaces.split(",")]
    return Resampled(np.load(options.vectors), widths) if options.vectors else MadeUp(widths)


def main() -> None:
    """Print the tables; write JSON where asked to."""
    options = parsed()
    benchmark = Benchmark(new_world(sourced(options), options.tracks), planned(options))
    benchmark.run()
    for table in tables(benchmark.found):
        print(table.markdown() if options.markdown else table.text())
    for note in benchmark.found.notes:
        print(f"\n{note}")
    if options.json:
        options.json.write_text(json.dumps(written(benchmark.found), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
