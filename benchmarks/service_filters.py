"""What a large catalogue is asked that nobody remembers: constraints that are new, and how many carry each tag.

    python -m benchmarks.service_filters --tracks 100000 [--data DIR] [--database URL] [--markdown]

The made-up catalogue of ``benchmarks.search_service`` is written where it is not there yet. Both ways are asked in
turns: each constraint by a look of its own and all together, tags counted from the tracks and as they are kept.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TypeVar

from sqlalchemy import func, select

from app.adapters.sql_database import SqlDatabase
from app.adapters.sql_engine import open_engine, parse_url
from app.adapters.tables import track
from app.constraints import (
    Bounds,
    Condition,
    Constraint,
    Duration,
    Key,
    KeyMatch,
    Licences,
    OtherAlbum,
    OtherArtist,
    TagsExcluded,
    TagsRequired,
    Tempo,
)
from app.database import Transaction
from app.domain import DEFAULT_LIBRARY, TrackKind
from app.filters import Filter
from app.services.constraint_tally import ConstraintTally
from app.services.filter_memory import FilterMemory
from benchmarks.search_tables import table_of
from benchmarks.service_catalogue import seed

CONSTRAINTS: Sequence[Constraint] = (
    Licences(("CC0-1.0", "CC-BY-4.0")),
    Duration(Bounds(within=60)),
    Tempo(Bounds(within_percent=8)),
    Key(KeyMatch.COMPATIBLE),
    OtherArtist(),
    OtherAlbum(),
    TagsRequired(("piano",)),
    TagsExcluded(("vocal", "bass")),
)

_MOST = 1000
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Asked:
    """Median milliseconds of one question, asked in two ways.

    Attributes:
        question: What is asked.
        plainly_ms: One look at the tracks for each part.
        ours_ms: As the service asks for the first time.
        times_as_fast: The one over the other.
        again_ms: As the service asks from then on.
    """

    question: str
    plainly_ms: float
    ours_ms: float
    times_as_fast: float
    again_ms: float

    @classmethod
    def of(cls, question: str, turns: Sequence[tuple[float, float, float]]) -> "Asked":
        """Take the medians of turns: plainly, ours, again."""
        plainly, ours, again = (median(column) for column in zip(*turns, strict=True))
        return cls(question, plainly, ours, plainly / ours, again)


def constrained(url: str, constraints: Sequence[Constraint], turns: int) -> Asked:
    """Ask who meets constraints beside a track."""
    with closing(SqlDatabase(url)) as database:
        database.tidy()
        with database.transaction(read_only=True) as tx:
            [reference] = tx.catalogue.list_tracks(DEFAULT_LIBRARY, limit=1).items
            conditions = [each.beside(reference) for each in constraints]
            taken = [_constraints_turn(tx, conditions) for _ in range(turns)]
    return Asked.of(f"{len(constraints)} constraints", taken)


def counted(url: str, turns: int) -> Asked:
    """Ask how many tracks carry each tag."""
    with closing(SqlDatabase(url)) as database, database.transaction(read_only=True) as tx:
        taken = [_tags_turn(tx, url) for _ in range(turns)]
    return Asked.of("tracks of each tag", taken)


def _constraints_turn(tx: Transaction, conditions: Sequence[Condition]) -> tuple[float, float, float]:
    memory = FilterMemory()
    wheres = [each.where for each in conditions]
    plainly_ms, by_each = _timed(lambda: _each_by_itself(tx, wheres))
    ours_ms, together = _timed(lambda: _together(tx, memory, conditions))
    again_ms, remembered = _timed(lambda: _together(tx, memory, conditions))
    _must_be_equal(by_each, together, remembered)
    return plainly_ms, ours_ms, again_ms


def _tags_turn(tx: Transaction, url: str) -> tuple[float, float, float]:
    plainly_ms, anew = _timed(lambda: _counted_anew(url))
    ours_ms, kept = _timed(lambda: tx.catalogue.count_tags(DEFAULT_LIBRARY, _MOST))
    again_ms, _ = _timed(lambda: tx.catalogue.count_tags(DEFAULT_LIBRARY, _MOST))
    _must_be_equal(anew, kept)
    return plainly_ms, ours_ms, again_ms


def _together(tx: Transaction, memory: FilterMemory, conditions: Sequence[Condition]) -> list[int]:
    tally = ConstraintTally.take(tx, memory, DEFAULT_LIBRARY, conditions)
    return [len(each.numbers) for each in tally.met]


def _each_by_itself(tx: Transaction, wheres: Sequence[Filter]) -> list[int]:
    return [len(tx.catalogue.allowed_numbers(DEFAULT_LIBRARY, where)) for where in wheres]


def _counted_anew(url: str) -> dict[str, int]:
    engine = open_engine(parse_url(url))
    unpack = func.json_each if engine.dialect.name == "sqlite" else func.jsonb_array_elements_text
    tags = unpack(track.c.all_tags_folded).table_valued("value", joins_implicitly=True)
    query = (
        select(tags.c.value, func.count())
        .select_from(track, tags)
        .where(track.c.library_id == DEFAULT_LIBRARY, track.c.kind == TrackKind.TRACK)
        .group_by(tags.c.value)
    )
    try:
        with engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}
    finally:
        engine.dispose()


def _timed(ask: Callable[[], _Found]) -> tuple[float, _Found]:
    started = time.perf_counter()
    found = ask()
    return 1000 * (time.perf_counter() - started), found


def _must_be_equal(first: object, *others: object) -> None:
    if any(other != first for other in others):
        sys.exit(f"Two ways of asking have answered differently: {first} and {others}.")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--database", help="URL of a migrated database; default: SQLite in --data")
    parser.add_argument("--data", type=Path, help="folder that stays; default: one that is removed")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory() as folder:
        file = (options.data or Path(folder)) / "soundkin.sqlite3"
        url = options.database or f"sqlite:///{file.absolute()}"
        seed(url, options.tracks)
        rows = [
            constrained(url, CONSTRAINTS, options.turns),
            constrained(url, CONSTRAINTS[:4], options.turns),
            counted(url, options.turns),
        ]
    table = table_of(f"{options.tracks} tracks", rows)
    print(table.markdown() if options.markdown else table.text())


if __name__ == "__main__":
    main()
