"""The encoders of the catalogue, remembered from one search to the next and kept true by the change log."""

from collections.abc import Sequence

from app.database import Transaction
from app.domain import ChangeKind, EncoderInfo
from app.services.changes_since import changes_since

_FOLLOWED = 1000
"""After more changes than that the encoders are read again whatever those were."""


class EncoderMemory:
    """What ``Catalogue.encoders`` says. Safe to ask from many threads, each with its own transaction."""

    def __init__(self) -> None:
        self._known: tuple[int, Sequence[EncoderInfo]] | None = None

    def encoders(self, tx: Transaction) -> Sequence[EncoderInfo]:
        """Return what the catalogue would."""
        known, last = self._known, tx.changes.last_seq()
        still = known is not None and _is_true(tx, known[0], last)
        encoders = known[1] if known and still else tx.catalogue.encoders()
        self._known = (last, encoders)
        return encoders


def _is_true(tx: Transaction, seq: int, last: int) -> bool:
    """Whether no encoder has changed between two changes."""
    changes = changes_since(tx, seq, last, _FOLLOWED)
    return changes is not None and not any(change.kind is ChangeKind.ENCODER_UPDATED for change in changes)
