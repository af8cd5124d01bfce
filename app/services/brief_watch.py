"""Looking for new matches of the briefs that have a webhook, whenever the catalogue has changed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from app.briefs import Brief, Delivery
from app.database import Database, Transaction
from app.domain import Change, ChangeKind, EncoderState, new_id, utc_now
from app.errors import SoundkinError
from app.replacement import Replacement, ReplacementAnswer
from app.services.brief_runs import BriefRunner
from app.services.changes_since import changes_since
from app.services.indexing import IndexKeeper
from app.services.rounds import Rounds

log = structlog.get_logger(__name__)

EVENT = "brief.matches"

_MOST = 2000
"""After more changes than that nobody asks what they were about."""

_REST = 1.0
"""So many times as long as the last round took, the next one waits at least: thousands of briefs leave room for
searches."""

_NEWS = {ChangeKind.TRACK_ADDED, ChangeKind.TRACK_UPDATED, ChangeKind.TRACK_EMBEDDED}
_OF_TRACKS = _NEWS | {ChangeKind.TRACK_DELETED}


class BriefWatch:
    """Runs briefs beside the requests, in a thread of its own, and writes messages that somebody else sends."""

    def __init__(
        self, database: Database, keeper: IndexKeeper, runner: BriefRunner, *, interval_s: float = 10.0
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._runner = runner
        self._rounds = Rounds("brief watch", self.round, interval_s, rest=_REST)

    def start(self) -> None:
        """Begin."""
        self._rounds.start()

    def close(self) -> None:
        """Finish the brief at hand and stop."""
        self._rounds.close()

    def round(self) -> int:
        """Look once at every brief that has a webhook; return how many messages were written."""
        with self._database.transaction(read_only=True) as tx:
            briefs = tx.briefs.watched()
        return sum(self.look(brief) for brief in briefs if not self._rounds.is_over)

    def look(self, brief: Brief) -> bool:
        """Look for new matches of a brief; return whether a message was written.

        The first look only notes what is there. A brief that cannot be run is looked at again the next time.
        """
        try:
            seq = self._keeper.applied_seq
            with self._database.transaction(read_only=True) as tx:
                if seq < 0 or not _has_changed(tx, brief, seq):
                    return False
                answer = self._runner.find_in_short(tx, brief)
            return self._note(brief, answer, seq)
        except SoundkinError as error:
            log.debug("brief cannot be watched now", brief=brief.id, error=str(error))
            return False

    def _note(self, brief: Brief, answer: ReplacementAnswer, seq: int) -> bool:
        """Remember what was found, and write a message about what is new.

        Whether this is the first look is what the brief says now: somebody may have looked since it was read.
        """
        by_number = {found.match.track.number: found for found in answer.matches}
        with self._database.transaction() as tx:
            current = tx.briefs.brief(brief.library_id, brief.id)
            if (current.request, current.webhook) != (brief.request, brief.webhook):
                return False
            fresh = tx.briefs.note(brief.id, by_number)
            tx.briefs.save(replace(current, watched_seq=seq))
            told = _became_matches(tx, brief, current, answer, fresh)
            news = [found for number, found in by_number.items() if number in told]
            if news:
                tx.briefs.add_delivery(message(current, news))
        return bool(news)


def _has_changed(tx: Transaction, brief: Brief, seq: int) -> bool:
    """Whether something of the catalogue, up to a change, is other than when the brief was last looked at."""
    if brief.watched_seq is None:
        return True
    changes = changes_since(tx, brief.watched_seq, seq, _MOST)
    return changes is None or any(
        change.kind is ChangeKind.ENCODER_UPDATED
        or (change.kind in _OF_TRACKS and change.library_id == brief.library_id)
        for change in changes
    )


def _became_matches(
    tx: Transaction, before: Brief, current: Brief, answer: ReplacementAnswer, numbers: set[int]
) -> set[int]:
    """Return those that came, or were changed, after the last look; all of them where the measure itself changed.

    The others are matches only because better ones were rejected or deleted. Where the change log is too short to
    tell, all count.

    Args:
        tx: Reads the change log.
        before: The brief as it was when this look began.
        current: As it is now; another look may have ended meanwhile.
        answer: What was found.
        numbers: Of tracks that nobody was told of.
    """
    if current.watched_seq is None:
        return set()
    since = min(seq for seq in (before.watched_seq, current.watched_seq) if seq is not None)
    changes = changes_since(tx, since, tx.changes.last_seq(), _MOST)
    if changes is None or _measure_changed(tx, current, answer, changes):
        return numbers
    return numbers & {each.number for each in changes if each.kind in _NEWS}


def _measure_changed(tx: Transaction, brief: Brief, answer: ReplacementAnswer, changes: Sequence[Change]) -> bool:
    """Whether any track may match now that did not: for an encoder that answers, or a reference, that changed."""
    answering = {
        each.id
        for each in tx.catalogue.encoders()
        if each.state is EncoderState.READY and each.name in answer.search.encoders
    }
    references = set(brief.references())
    return any(
        (each.kind is ChangeKind.ENCODER_UPDATED and each.subject in answering)
        or (each.kind in _NEWS and each.subject in references)
        for each in changes
    )


def message(brief: Brief, found: Sequence[Replacement]) -> Delivery:
    """Return a message about new matches of a brief, due at once."""
    now = utc_now()
    delivery_id = new_id()
    body = {
        "event": EVENT,
        "id": delivery_id,
        "brief": {"id": brief.id, "name": brief.name},
        "created_at": now.isoformat(),
        "matches": [_match(each) for each in found],
    }
    return Delivery(delivery_id, brief.id, json.dumps(body), due_at=now, created_at=now)


def _match(found: Replacement) -> dict[str, Any]:
    track = found.match.track
    return {
        "track": {"id": track.id, "title": track.metadata.title, "artist": track.metadata.artist},
        "similarity": found.match.similarity,
    }
