"""A large catalogue written into the database of a service, many rows at a time.

Every block of tracks is one transaction, drawn from its own seed: seeding that was stopped goes on at the block, or
the track within it, where it was.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import Connection, Engine, insert, select

from app.adapters.rows import folded_tags, segment_bytes, track_values, vector_bytes
from app.adapters.sql_changes import SqlChangeLog
from app.adapters.sql_database import SqlDatabase
from app.adapters.sql_engine import open_engine, parse_url
from app.adapters.sql_tag_counts import SqlTagCounts
from app.adapters.tables import embedding, segment, track
from app.domain import ChangeKind, EncoderInfo, Space, Track, Vectors, new_id
from benchmarks.search_world import WIDTHS, MadeUp
from benchmarks.service_metadata import external_id, made_up_tracks

BLOCK = 4096
"""Tracks per transaction."""

_NAME = "made-up"
_SQLITE_CACHE_KIB = 400_000
_TELL_S = 10.0


@dataclass(frozen=True, slots=True)
class Block:
    """Some made-up tracks as workers would leave them: (N, D) vectors, of one segment each."""

    tracks: Sequence[Track]
    vectors: Vectors

    def spans(self) -> Vectors:
        """(N, 2) start and end of the only segment of each."""
        ends = [each.analysis.duration_s if each.analysis else 0 for each in self.tracks]
        return np.stack([np.zeros(len(ends)), ends], axis=1).astype(np.float32)


def new_encoder() -> EncoderInfo:
    """The encoder that is said to have made the vectors."""
    names = ("timbre", "rhythm", "harmony", "mood", "genre", "instruments")
    spaces = tuple(Space(name, width) for name, width in zip(names, WIDTHS, strict=True))
    return EncoderInfo(new_id(), _NAME, "1", "0" * 64, spaces)


def blocks(first: int, end: int) -> Iterator[Block]:
    """Yield the tracks from one number to before another."""
    source = MadeUp()
    while first < end:
        number, skipped = divmod(first, BLOCK)
        generator = np.random.default_rng([number, 2])
        drawn = source.draw(BLOCK, generator)
        kept = slice(skipped, min(BLOCK, end - number * BLOCK))
        tracks = made_up_tracks(number * BLOCK, drawn.kinds.tolist(), generator)
        yield Block(tracks[kept], drawn.vectors[kept])
        first = number * BLOCK + kept.stop


def seed(url: str, count: int) -> float | None:
    """Bring a database to so many made-up tracks; return how many were written each second, if any.

    A PostgreSQL is taken to be migrated.
    """
    with closing(SqlDatabase(url)) as database, database.transaction() as tx:
        encoder = tx.catalogue.announce_encoder(new_encoder())
    there = seeded(url)
    progress = Progress(there, count)
    with _writing(url) as engine:
        for block in blocks(there, count):
            with engine.begin() as connection:
                save(connection, encoder, block)
            progress.note(len(block.tracks))
    return progress.per_s if there < count else None


class Progress:
    """Tells now and then how far seeding has come."""

    def __init__(self, there: int, wanted: int) -> None:
        self._there, self._wanted, self._written = there, wanted, 0
        self._started = self._told = time.perf_counter()

    @property
    def per_s(self) -> float:
        """Tracks written each second so far."""
        return self._written / (time.perf_counter() - self._started)

    def note(self, written: int) -> None:
        """Count; tell where nothing was told for a while, and at the end."""
        self._written += written
        now, there = time.perf_counter(), self._there + self._written
        if now - self._told > _TELL_S or there >= self._wanted:
            print(f"{there} of {self._wanted} tracks, {self.per_s:.0f} a second", flush=True)
            self._told = now


def seeded(url: str) -> int:
    """How many made-up tracks a database has, some of which may have been deleted since."""
    made_up = track.c.external_id.like(external_id(0)[:-9] + "%")
    newest = select(track.c.external_id).where(made_up).order_by(track.c.number.desc()).limit(1)
    with _writing(url) as engine, engine.connect() as connection:
        last = connection.scalar(newest)
    return 0 if last is None else int(last[-9:]) + 1


def save(connection: Connection, encoder: EncoderInfo, block: Block) -> list[Track]:
    """Write a block as uploads and workers together leave it; return the tracks with their numbers."""
    rows = [{**track_values(each), "listened": True} for each in block.tracks]  # their encoder knows no tags
    given = connection.execute(insert(track).returning(track.c.id, track.c.number), rows)
    numbers = {row.id: row.number for row in given}
    tracks = [replace(each, number=numbers[each.id]) for each in block.tracks]
    _save_vectors(connection, encoder, replace(block, tracks=tracks))
    _count_tags(connection, tracks)
    _log_changes(connection, tracks)
    return tracks


def _save_vectors(connection: Connection, encoder: EncoderInfo, block: Block) -> None:
    places = [{"track_number": each.number, "encoder_id": encoder.id} for each in block.tracks]
    rows = list(zip(places, block.spans(), block.vectors, strict=True))
    connection.execute(insert(embedding), [{**place, "vector": vector_bytes(row)} for place, _, row in rows])
    connection.execute(
        insert(segment),
        [{**place, "spans_s": vector_bytes(span), "vectors": segment_bytes(row)} for place, span, row in rows],
    )


def _count_tags(connection: Connection, tracks: Sequence[Track]) -> None:
    counts = SqlTagCounts(connection)
    for each in tracks:
        counts.change(each.library_id, (), folded_tags(each.metadata, each.heard))
    counts.flush()


def _log_changes(connection: Connection, tracks: Sequence[Track]) -> None:
    """Write what uploads and workers say of tracks; what they say of jobs no index reads."""
    changes = SqlChangeLog(connection)
    for each in tracks:
        changes.append(each.library_id, ChangeKind.TRACK_ADDED, each.id, each.number)
        changes.append(each.library_id, ChangeKind.TRACK_EMBEDDED, each.id, each.number)
    changes.flush()


@contextmanager
def _writing(url: str) -> Iterator[Engine]:
    """Connect; SQLite gets a large cache, since the digests fall anywhere in their index."""
    engine = open_engine(parse_url(url))
    try:
        if engine.dialect.name == "sqlite":
            with engine.connect() as connection:  # the pool gives the same one again
                connection.exec_driver_sql(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
        yield engine
    finally:
        engine.dispose()
