"""Which tracks a filter leaves, remembered from one search to the next and kept true by the change log.

A filter that leaves half a million tracks takes the database a second; the tracks that have changed since it was
last asked, a millisecond.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.database import Numbers, Transaction
from app.filters import Filter
from app.index_rows import find
from app.services.changes_since import changes_since

_FOLLOWED = 2000
"""After more changes than that the database is asked for everything again."""

_MOST = 256
"""So many filters are remembered."""

_MOST_BYTES = 64 * 1024**2
"""Those that were asked longest ago are forgotten beyond this."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """Ascending numbers, in which everything up to a change is heeded."""

    seq: int
    numbers: Numbers


class FilterMemory:
    """Answers of ``Catalogue.allowed_numbers``. Safe to ask from many threads, each with its own transaction."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], _Answer] = OrderedDict()
        self._lock = threading.Lock()

    def allowed_numbers(self, tx: Transaction, library_id: str, where: Filter) -> Numbers:
        """Return what the catalogue would.

        Raises:
            InvalidRequest: As ``Catalogue.allowed_numbers`` does.
        """
        return self.allowed_by_each(tx, library_id, [where])[0]

    def allowed_by_each(self, tx: Transaction, library_id: str, wheres: Sequence[Filter]) -> Sequence[Numbers]:
        """Return what the catalogue would, which is asked for all at once that nobody remembers.

        The number of the last change is read first: what is read after it may be newer, and is heeded again later.

        Raises:
            InvalidRequest: As ``Catalogue.allowed_by_each`` does.
        """
        last = tx.changes.last_seq()
        asked = {(library_id, repr(where)): where for where in wheres}
        remembered = {key: self._known(tx, key, where, last) for key, where in asked.items()}
        found = {key: numbers for key, numbers in remembered.items() if numbers is not None}
        if new := [key for key in asked if key not in found]:
            answers = tx.catalogue.allowed_by_each(library_id, [asked[key] for key in new])
            found |= dict(zip(new, answers, strict=True))
        for key, numbers in found.items():
            self._keep(key, _Answer(last, numbers))
        return [found[library_id, repr(where)] for where in wheres]

    def _known(self, tx: Transaction, key: tuple[str, str], where: Filter, last: int) -> Numbers | None:
        known = self._answers.get(key)
        return None if known is None else _followed(tx, key[0], where, known, last)

    def _keep(self, key: tuple[str, str], answer: _Answer) -> None:
        with self._lock:
            newer = self._answers.get(key, answer)
            self._answers[key] = newer if newer.seq > answer.seq else answer
            self._answers.move_to_end(key)
            while len(self._answers) > _MOST or (len(self._answers) > 1 and self._bytes() > _MOST_BYTES):
                self._answers.popitem(last=False)

    def _bytes(self) -> int:
        return sum(answer.numbers.nbytes for answer in self._answers.values())


def _followed(tx: Transaction, library_id: str, where: Filter, known: _Answer, last: int) -> Numbers | None:
    """Return the answer after the changes since; ``None`` where those are too many, or are no longer known.

    A transaction that began a little earlier than the one whose answer is known takes that one: an index is read
    at another moment anyway.
    """
    if known.seq - _FOLLOWED <= last <= known.seq:
        return known.numbers
    changes = changes_since(tx, known.seq, last, _FOLLOWED)
    if changes is None:
        return None
    touched = {change.number for change in changes if change.library_id == library_id and change.number is not None}
    if not touched:
        return known.numbers
    still = tx.catalogue.allowed_numbers(library_id, where, touched)
    return _replaced(known.numbers, np.array(sorted(touched), dtype=np.int64), still)


def _replaced(numbers: Numbers, touched: Numbers, still: Numbers) -> Numbers:
    """Return ascending numbers without the touched ones but for those that are still allowed."""
    others = np.delete(numbers, find(numbers, touched)[0])
    return np.insert(others, np.searchsorted(others, still), still)
