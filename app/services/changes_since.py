"""What has happened since something was remembered."""

from collections.abc import Sequence

from app.database import Transaction
from app.domain import Change


def changes_since(tx: Transaction, seq: int, last: int, most: int) -> Sequence[Change] | None:
    """Return every change after one up to the last known of, and what has come meanwhile.

    ``None`` where those are more than ``most``, or the log does not reach back so far, or has gone back itself.
    """
    if last == seq:
        return ()
    changes = tx.changes.after(seq, limit=most + 1)
    follows = last > seq and bool(changes) and changes[0].seq == seq + 1 and len(changes) <= most
    return changes if follows else None
