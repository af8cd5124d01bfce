"""The reference index: exact, in NumPy, and short enough to be believed."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.adapters.index_snapshot import Snapshot, read_snapshot, write_snapshot
from app.database import Numbers
from app.domain import EncoderInfo, Vectors
from app.index_rows import best, checked_query, checked_rows, distinct, find, no_hits
from app.ports import Hits

_BLOCK = 8192
"""Rows scored at a time, which bounds the float64 working space."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Ascending numbers with their vectors. Never changed: a write puts another one in its place."""

    numbers: Numbers
    vectors: Vectors

    def without(self, numbers: Numbers) -> "_Rows":
        keep = ~np.isin(self.numbers, numbers)
        return _Rows(self.numbers[keep], self.vectors[keep])

    def only(self, numbers: Numbers) -> "_Rows":
        places, _ = find(self.numbers, distinct(numbers))
        return _Rows(self.numbers[places], self.vectors[places])


class MemoryIndex:
    """Exact search in NumPy. Searches need no lock, since a write copies the rows (4 D + 8 bytes a track)."""

    def __init__(self, encoder: EncoderInfo) -> None:
        self._dimension = encoder.dimension
        self._rows = self._empty()
        self._write = threading.Lock()

    def _empty(self) -> _Rows:
        return _Rows(np.empty(0, dtype=np.int64), np.empty((0, self._dimension), dtype=np.float32))

    def __len__(self) -> int:
        return len(self._rows.numbers)

    def add(self, numbers: Numbers, vectors: Vectors) -> None:
        numbers, vectors = checked_rows(numbers, vectors, self._dimension)
        with self._write:
            others = self._rows.without(numbers)
            joined = np.concatenate([others.numbers, numbers])
            order = np.argsort(joined, kind="stable")
            self._rows = _Rows(joined[order], np.concatenate([others.vectors, vectors])[order])

    def remove(self, numbers: Numbers) -> None:
        with self._write:
            self._rows = self._rows.without(numbers)

    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        query = checked_query(query, k, self._dimension)
        rows = self._rows if allowed is None else self._rows.only(allowed)
        if not len(rows.numbers):
            return no_hits()
        blocks = np.split(rows.vectors, range(_BLOCK, len(rows.vectors), _BLOCK))
        numbers, scores = best(rows.numbers, blocks, query, k)
        return Hits(numbers, scores, exact=True, allowed=len(rows.numbers))

    def search_many(self, queries: Vectors, k: int, allowed: Numbers | None = None) -> Sequence[Hits]:
        return [self.search(query, k, allowed) for query in queries]

    def improve(self, is_stopped: Callable[[], bool] = lambda: False) -> bool:  # noqa: ARG002
        return False

    def vectors(self, numbers: Numbers) -> Vectors:
        rows = self._rows
        found = np.zeros((len(numbers), self._dimension), dtype=np.float32)
        places, which = find(rows.numbers, numbers)
        found[which] = rows.vectors[places]
        return found

    def numbers(self) -> Numbers:
        return self._rows.numbers.copy()

    def snapshot(self, folder: Path, *, seq: int, identity: str) -> None:
        rows = self._rows
        write_snapshot(folder, Snapshot(seq, rows.numbers, [rows.vectors.astype(np.float16)]), identity=identity)

    def restore(self, folder: Path, *, identity: str) -> int:
        snapshot = read_snapshot(folder, identity=identity, dimension=self._dimension)
        with self._write:
            self._rows = self._empty()
        self.add(snapshot.numbers, np.concatenate(snapshot.rows))
        return snapshot.seq

    def discard(self) -> None:
        with self._write:
            self._rows = self._empty()

    def stats(self) -> Mapping[str, int | float | str]:
        rows = self._rows
        return {
            "kind": "memory",
            "tracks": len(rows.numbers),
            "dimension": self._dimension,
            "bytes": rows.numbers.nbytes + rows.vectors.nbytes,
        }
