"""The whole service with a large catalogue: start, searches over HTTP with filters, and changes meanwhile.

    python -m benchmarks.search_service --tracks 1000000 [--data DIR] [--database URL] [--markdown] [--json FILE]

A made-up catalogue is written into the database (SQLite in --data unless --database names a migrated PostgreSQL);
what is there already stays and is used. Then ``soundkin serve`` runs on it in a process of its own, and clients in
another one. Latency is what clients see; overhead is that without the index call.
"""

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from app.adapters.faiss_index import EXACT_UP_TO
from app.adapters.sql_database import SqlDatabase
from app.domain import Track
from benchmarks.search_machine import bandwidth, machine
from benchmarks.search_tables import Table, table_of
from benchmarks.service_catalogue import seed, seeded
from benchmarks.service_clients import Answers, Asking, Pace, ask, client_process
from benchmarks.service_kills import Survival, survivals
from benchmarks.service_process import Service
from benchmarks.service_questions import FILTERS, HALF, WEIGHTS, mixed, questions, some_tracks
from benchmarks.service_records import Live, Load, Running, Searched, Start
from benchmarks.service_updates import Newcomers, Updates, remove_arrivals

_TAIL = 1000
"""Tracks that come while the service is down."""

_PAUSE_S = 0.5
_AT_LEAST = 20
"""Searches of each kind, however long they take."""


@dataclass(slots=True)
class Found:
    """Everything that was measured."""

    tracks: int
    seeded_per_s: float | None = None
    starts: list[Start] = field(default_factory=list)
    searched: list[Searched] = field(default_factory=list)
    load: list[Load] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    survivals: list[Survival] = field(default_factory=list)
    agrees: bool | None = None

    def tables(self) -> Iterator[Table]:
        """What there is to print."""
        titled: dict[str, Sequence[object]] = {
            f"Starts with {self.tracks} tracks; the second with {_TAIL} that came meanwhile": self.starts,
            "One client, median ms": self.searched,
            "Many clients": self.load,
            "One client, without and with changes": self.live,
            "After kill -9": self.survivals,
        }
        for title, records in titled.items():
            if records:
                yield table_of(title, records)


class Benchmark:
    """One run on one database."""

    def __init__(self, options: argparse.Namespace, pool: ProcessPoolExecutor) -> None:
        self._options, self._pool = options, pool
        self._service = Service(options.data, options.database)
        self._url = self._service.database_url
        self.found = Found(options.tracks)

    def run(self) -> None:
        """Everything, one after the other."""
        try:
            self._seed()
            self._start_from_database()
            self._start_from_snapshot()
            if self._options.kills:
                self.found.survivals = list(survivals(self._service))
        finally:
            self._service.kill()
            remove_arrivals(self._url)

    def _seed(self) -> None:
        self.found.seeded_per_s = seed(self._url, self._options.tracks)
        self.found.tracks = seeded(self._url)
        remove_arrivals(self._url)
        self._tracks: list[Track] = some_tracks(self._url)
        self._service.forget_snapshots()

    def _start_from_database(self) -> None:
        running = self._started("the database")
        if self.found.tracks > EXACT_UP_TO:
            running.wait_for_codes()
        self._ask(mixed(self._tracks).bodies, Pace(1, self._options.seconds / 4, at_least=_AT_LEAST))
        self._stopped(running)

    def _start_from_snapshot(self) -> None:
        self._while_down()
        running = self._started("the snapshot")
        for part in (self._one_client, self._many_clients, self._while_updating):
            say(part.__name__.strip("_").replace("_", " "))
            part()
        self.found.agrees = self._service.agrees()
        self._stopped(running)

    def _started(self, from_what: str) -> Running:
        running = Running(self._service, from_what)
        say(f"ready from {from_what} in {running.ready_s:.1f} s")
        return running

    def _stopped(self, running: Running) -> None:
        self.found.starts.append(running.stop())
        say(f"stopped in {self.found.starts[-1].stop_s:.1f} s")

    def _while_down(self) -> None:
        with closing(SqlDatabase(self._url)) as database:
            newcomers = Newcomers(database, self._tracks)
            for _ in range(_TAIL):
                newcomers.add()

    def _one_client(self) -> None:
        pace = Pace(1, self._options.seconds / 4, at_least=_AT_LEAST)
        for filter_ in FILTERS:
            for weights in WEIGHTS:
                asked = questions(self._tracks, filter_, weights)
                self.found.searched.append(Searched.of(asked, self._ask(asked.bodies, pace)))

    def _many_clients(self) -> None:
        for every_s in (0.0, _PAUSE_S):
            pace = Pace(self._options.clients, self._options.seconds, every_s)
            self.found.load.append(Load.of(pace, self._ask(mixed(self._tracks).bodies, pace)))

    def _while_updating(self) -> None:
        pace = Pace(1, self._options.seconds)
        for asked in (mixed(self._tracks), questions(self._tracks, HALF, "uniform")):
            before = self._ask(asked.bodies, pace)
            with closing(SqlDatabase(self._url)) as database:
                newcomers = Newcomers(database, self._tracks)
                with Updates(self._service.url, newcomers) as updates:
                    during = self._ask(asked.bodies, pace)
            remove_arrivals(self._url)
            self.found.live += [Live.of(asked, before, before), Live.of(asked, during, before, updates)]

    def _ask(self, bodies: Sequence[bytes], pace: Pace) -> Answers:
        return self._pool.submit(ask, Asking(self._service.url, bodies, pace)).result()


def say(what: str) -> None:
    """Tell how far it has come."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def written(found: Found) -> dict[str, Any]:
    """What goes into the file."""
    own_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"machine": machine(bandwidth()), "benchmark_peak_mib": own_mib, **asdict(found)}


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--database", help="URL; default: SQLite in --data")
    parser.add_argument("--data", type=Path, help="folder that stays; default: one that is removed")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument(
        "--seconds", type=float, default=20, help="of each measurement; a quarter of each kind of search"
    )
    parser.add_argument(
        "--kills", action="store_true", help="end with kill -9 during a build and during a snapshot"
    )
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory() as folder, client_process() as pool:
        options.data = options.data or Path(folder)
        options.data.mkdir(parents=True, exist_ok=True)
        benchmark = Benchmark(options, pool)
        benchmark.run()
    for table in benchmark.found.tables():
        print(table.markdown() if options.markdown else table.text())
    print(f"\nIndex and database agree: {benchmark.found.agrees}.")
    if options.json:
        options.json.write_text(json.dumps(written(benchmark.found), indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
