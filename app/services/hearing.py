"""Listening for tags: what READY encoders hear in tracks, worked out from their vectors and kept with them."""

import time
from collections.abc import Collection, Iterable
from typing import Final

from app.database import Database, Transaction
from app.domain import ChangeKind, EncoderState
from app.services.tags import HeardTag, heard_tags

HEARD_AT: Final = 0.5
"""Tags of which an encoder is less sure do not count among those of a track."""

NOT_KEPT: Final = frozenset({"tempo", "key", "era"})
"""Spaces whose tags are not kept: the analysis measures tempo and key, and heard dates are rarely right."""

PORTION: Final = 500
"""Tracks that are listened to in one transaction."""

BUDGET_S: Final = 1.0
"""No new portion begins after so long."""


def kept_spaces(spaces: Iterable[str]) -> list[str]:
    """Return those of an encoder's spaces whose tags are kept, where it is sure enough of them."""
    return [space for space in spaces if space not in NOT_KEPT]


def listen(tx: Transaction, numbers: Collection[int]) -> Collection[int]:
    """Keep the tags that are heard in tracks, with the confidence of the surest encoder.

    A worker calls it at the end of a commit: when it holds the track, what it reads of the encoders is the latest.

    Returns:
        Numbers of the tracks that carry other tags than before.
    """
    heard: dict[int, dict[str, float]] = {number: {} for number in numbers}
    for encoder in tx.catalogue.encoders():
        if encoder.tags and encoder.state is EncoderState.READY:
            found, vectors = tx.catalogue.vectors(encoder.id, numbers)
            for number, vector in zip(found.tolist(), vectors, strict=True):
                by_space = heard_tags(encoder, vector, HEARD_AT)
                _add(heard[number], (by_space[space] for space in kept_spaces(by_space)))
    return tx.catalogue.save_heard(heard)


def listen_to_unheard(database: Database) -> int:
    """Listen to tracks that nobody has listened to, for about ``BUDGET_S``; return how many those were."""
    with database.transaction(read_only=True) as tx:
        if not tx.catalogue.unheard(limit=1):
            return 0  # as a rule: writers are not held up
    end, total = time.monotonic() + BUDGET_S, 0
    while (count := _listen_to_portion(database)) and time.monotonic() < end:
        total += count
    return total + count


def _listen_to_portion(database: Database) -> int:
    with database.transaction() as tx:
        tracks = {track.number: track for track in tx.catalogue.unheard(limit=PORTION)}
        for number in listen(tx, tracks):
            track = tracks[number]
            tx.changes.append(track.library_id, ChangeKind.TRACK_UPDATED, track.id, number)
    return len(tracks)


def _add(heard: dict[str, float], by_space: Iterable[Iterable[HeardTag]]) -> None:
    for tags in by_space:
        for each in tags:
            heard[each.tag] = max(round(each.confidence, 4), heard.get(each.tag, 0.0))
