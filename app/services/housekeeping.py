"""Regular chores of the web process. Every one may fail and is tried again at the next round."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import structlog

from app.database import Database
from app.domain import EncoderState, Priority, utc_now
from app.errors import SoundkinError
from app.services.hearing import listen_to_unheard
from app.services.ingest import IngestService
from app.services.jobs import mend
from app.services.rounds import Rounds
from app.services.tracks import TrackService

log = structlog.get_logger(__name__)

PORTION = 1000
"""So many jobs wait in the background at most: enough to do until the next round, and soon out of the way."""

_REST = 10
"""So many times as long as the last round took, the next one waits at least: a large catalogue takes seconds."""

CHANGES_KEPT = timedelta(days=7)
"""Whoever follows the change log may be away for so long; an index that was is built anew."""

DELIVERIES_KEPT = timedelta(days=30)
"""So long messages to webhooks can be looked up once they are over."""


def delete_expired_clips(database: Database, tracks: TrackService) -> int:
    """Remove the clips whose time is over, with their audio; return how many."""
    with database.transaction(read_only=True) as tx:
        expired = tx.catalogue.expired_clips(utc_now())
    return sum(tracks.remove_expired(clip) for clip in expired)


def mend_tracks(database: Database, loaded: Sequence[str]) -> int:
    """Give tracks that lack vectors and have no live job one again, as many as may wait; return how many.

    A new encoder comes to the whole catalogue in this way.

    Args:
        database: Where to look.
        loaded: Names of the encoders that workers load. Of each only the artifact announced last counts: no
            worker could make the vectors of another, and the track would be queued for ever.
    """
    with database.transaction(read_only=True) as tx:
        latest = {encoder.name: encoder for encoder in sorted(tx.catalogue.encoders(), key=lambda e: e.id)}
        wanted = [
            encoder.id
            for encoder in latest.values()
            if encoder.name in loaded and encoder.state is not EncoderState.RETIRED
        ]
        waiting = tx.queue.count_waiting(min_priority=Priority.BACKGROUND, max_priority=Priority.BACKGROUND)
        if not wanted or waiting >= PORTION or not tx.catalogue.tracks_without_vectors(wanted, limit=1):
            return 0  # as a rule: looking takes long in a large catalogue, and must not hold up writers
    with database.transaction() as tx:
        return mend(tx, wanted, PORTION - waiting)


def forget_changes(database: Database) -> int:
    """Remove rows of the change log that are older than ``CHANGES_KEPT``, a portion of them; return how many."""
    with database.transaction() as tx:
        return tx.changes.forget(utc_now() - CHANGES_KEPT)


def forget_sessions(database: Database) -> int:
    """Remove the sessions whose time is over; return how many."""
    with database.transaction() as tx:
        return tx.sessions.remove_expired(utc_now())


def forget_deliveries(database: Database) -> int:
    """Remove messages to webhooks that are over for longer than ``DELIVERIES_KEPT``; return how many."""
    with database.transaction() as tx:
        return tx.briefs.forget_deliveries(utc_now() - DELIVERIES_KEPT)


class Housekeeper:
    """Does the chores in a thread of its own."""

    def __init__(
        self,
        database: Database,
        tracks: TrackService,
        ingest: IngestService,
        encoders: Sequence[str],
        *,
        interval_s: float = 10.0,
    ) -> None:
        self._chores: Mapping[str, Callable[[], object]] = {
            "delete expired clips": lambda: delete_expired_clips(database, tracks),
            "settle uploads": ingest.settle,
            "forget changes": lambda: forget_changes(database),
            "forget sessions": lambda: forget_sessions(database),
            "forget deliveries": lambda: forget_deliveries(database),
            "tidy the database": database.tidy,
            "listen for tags": lambda: listen_to_unheard(database),
            "mend": lambda: mend_tracks(database, encoders),
        }
        self._rounds = Rounds("housekeeping", self.round, interval_s, rest=_REST)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def close(self) -> None:
        """Finish the round at hand and stop."""
        self._rounds.close()

    def round(self) -> None:
        """Do every chore once; a chore that fails does not keep the others from being done."""
        for name, chore in self._chores.items():
            try:
                chore()
            except SoundkinError as error:
                log.warning("chore put off", chore=name, error=str(error))
            except Exception:
                log.exception("chore failed", chore=name)
