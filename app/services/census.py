"""Counting the whole service, for metrics and for people."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.database import Database
from app.domain import QueueDepth, Tally, TrackState, WorkerInfo
from app.services.track_counts import TrackCounts


@dataclass(frozen=True, slots=True)
class Census:
    """What there is at one moment, over all libraries."""

    queue: Sequence[QueueDepth]
    tracks: Mapping[TrackState, int]
    workers: Sequence[WorkerInfo]
    tallies: Sequence[Tally]


def take_census(database: Database, counts: TrackCounts) -> Census:
    """Count in one transaction."""
    with database.transaction(read_only=True) as tx:
        tracks: Counter[TrackState] = Counter(dict.fromkeys(TrackState, 0))
        for library in tx.catalogue.libraries():
            tracks.update(counts.by_state(tx, library.id))
        return Census(tx.queue.depth(), tracks, tx.queue.workers(), tx.queue.tallies())
