"""FAISS, flat and exact: one inner-product index per sub-space and one for the whole vector.

A query that weighs one space scans that space's index, any other scans the whole. FAISS chooses candidates in
float32; they are scored again in float64, so that scores and order are those of the reference index, also where
rows tie at the cut. A track takes 8 D + 24 bytes (4 D + 24 where the encoder has a single space), and as much again
in the moment in which FAISS grows its arrays.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import faiss
import numpy as np

from app.adapters.index_snapshot import Snapshot, read_snapshot, write_snapshot
from app.adapters.read_write_lock import ReadWriteLock
from app.database import Numbers
from app.domain import EncoderInfo, Vectors
from app.index_rows import best, checked_query, checked_rows, distinct, find, no_hits
from app.ports import Hits

_FEW = 1024
"""Up to so many rows are scored directly: cheaper than a scan."""

_SPARE = 32
"""Candidates beyond k, so that the exact cut can nearly always be made among them."""

_BLOCK = 65_536
"""Rows restored at a time."""


class _FlatSpace:
    """One ``IndexFlatIP`` over the given dimensions of a whole vector. Positions are FAISS's own ids."""

    def __init__(self, dimensions: slice) -> None:
        self.dimensions = dimensions
        self._width = dimensions.stop - dimensions.start
        self._index = faiss.IndexFlatIP(self._width)

    def rows(self) -> Vectors:
        """The stored rows themselves, to read or to write; invalid once rows are appended or cut."""
        count = self._index.ntotal
        if not count:
            return np.empty((0, self._width), dtype=np.float32)
        flat: Vectors = faiss.rev_swig_ptr(self._index.get_xb(), count * self._width)
        return flat.reshape(count, self._width)

    def append(self, vectors: Vectors) -> None:
        """Add whole vectors after the last position."""
        self._index.add(np.ascontiguousarray(vectors[:, self.dimensions]))

    def cut(self, count: int) -> None:
        """Keep the first ``count`` positions."""
        self._index.remove_ids(faiss.IDSelectorRange(count, self._index.ntotal))

    def candidates(self, query: Vectors, k: int, selector: faiss.IDSelector | None) -> tuple[Numbers, Vectors]:
        """The k best positions with their float32 scores, best first."""
        scores, positions = self._index.search(self._row(query), k, params=_parameters(selector))
        return positions[0], scores[0]

    def above(self, query: Vectors, score: float, selector: faiss.IDSelector | None) -> Numbers:
        """Every position whose float32 score exceeds the given one."""
        _, _, positions = self._index.range_search(self._row(query), score, params=_parameters(selector))
        return np.asarray(positions, dtype=np.int64)

    def _row(self, query: Vectors) -> Vectors:
        return np.ascontiguousarray(query[np.newaxis, self.dimensions])


def _longest(vectors: Vectors) -> float:
    return float(np.linalg.norm(vectors.astype(np.float64), axis=1).max(initial=0.0))


def _parameters(selector: faiss.IDSelector | None) -> faiss.SearchParameters | None:
    if selector is None:
        return None
    return faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]  # the stubs know no fields


class FaissIndex:
    """Exact search by FAISS. Searches run side by side; a write waits for them and holds them off."""

    def __init__(self, encoder: EncoderInfo) -> None:
        self._dimension = encoder.dimension
        self._whole = _FlatSpace(slice(0, encoder.dimension))
        slices = encoder.slices().values()
        self._spaces = [_FlatSpace(dimensions) for dimensions in slices] if len(slices) > 1 else []
        self._by_position = np.empty(0, dtype=np.int64)
        self._ascending = np.empty(0, dtype=np.int64)
        self._positions = np.empty(0, dtype=np.int64)
        self._longest = 0.0
        self._lock = ReadWriteLock()

    def __len__(self) -> int:
        return len(self._by_position)

    def add(self, numbers: Numbers, vectors: Vectors) -> None:
        numbers, vectors = checked_rows(numbers, vectors, self._dimension)
        with self._lock.writing():
            positions, known = self._locate(numbers)
            self._replace(positions, vectors[known])
            new = np.delete(np.arange(len(numbers)), known)
            self._append(vectors[new])
            self._name_positions(np.concatenate([self._by_position, numbers[new]]))

    def _replace(self, positions: Numbers, vectors: Vectors) -> None:
        for flat in self._flat_indexes():
            flat.rows()[positions] = vectors[:, flat.dimensions]
        self._longest = max(self._longest, _longest(vectors))

    def _append(self, vectors: Vectors) -> None:
        for flat in self._flat_indexes():
            flat.append(vectors)
        self._longest = max(self._longest, _longest(vectors))

    def remove(self, numbers: Numbers) -> None:
        with self._lock.writing():
            gone, _ = self._locate(distinct(numbers))
            if len(gone):
                self._close_gaps(gone)

    def _close_gaps(self, gone: Numbers) -> None:
        """Fill the gaps with rows from the end and cut the end off: no large move for a small removal."""
        left = len(self) - len(gone)
        holes = gone[gone < left]
        movers = np.setdiff1d(np.arange(left, len(self)), gone)
        for flat in self._flat_indexes():
            rows = flat.rows()
            rows[holes] = rows[movers]
            flat.cut(left)
        by_position = self._by_position.copy()
        by_position[holes] = by_position[movers]
        self._name_positions(by_position[:left])

    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        query = checked_query(query, k, self._dimension)
        with self._lock.reading():
            chosen = None if allowed is None else self._locate(distinct(allowed))[0]
            count = len(self) if chosen is None else len(chosen)
            if not count:
                return no_hits()
            positions = self._candidates(query, min(k, count), count, chosen)
            numbers, scores = best(self._by_position[positions], self._blocks(positions), query, k)
            return Hits(numbers, scores, exact=True, allowed=count)

    def _candidates(self, query: Vectors, k: int, count: int, chosen: Numbers | None) -> Numbers:
        """Positions among which the exact k best are for certain."""
        if count <= max(_FEW, k + _SPARE):
            return np.arange(count) if chosen is None else chosen
        faiss.omp_set_num_threads(1)  # one query is one scan: more threads only fight with other searches
        flat, selector = self._flat_index_for(query), self._selector(chosen)
        positions, scores = flat.candidates(query, k + _SPARE, selector)
        floor = float(scores[k - 1]) - self._rounding(query)
        if scores[-1] < floor:
            return positions
        return flat.above(query, np.nextafter(np.float32(floor), np.float32(-np.inf)), selector)

    def _rounding(self, query: Vectors) -> float:
        """How far apart, by float32 alone, FAISS may put two rows whose exact scores are the same.

        Twice the error bound of an inner product of D terms, D u |q||y| with u = 2⁻²⁴, doubled for what the bound
        leaves out (terms of second order).
        """
        length = float(np.linalg.norm(query.astype(np.float64))) * self._longest
        return 4 * self._dimension * 2.0**-24 * length + float(np.finfo(np.float32).tiny)

    def _flat_index_for(self, query: Vectors) -> _FlatSpace:
        active = [space for space in self._spaces if query[space.dimensions].any()]
        return active[0] if len(active) == 1 else self._whole

    def _selector(self, chosen: Numbers | None) -> faiss.IDSelector | None:
        if chosen is None:
            return None
        bits = np.zeros(len(self), dtype=np.bool_)
        bits[chosen] = True
        bitmap = np.packbits(bits, bitorder="little")
        return faiss.IDSelectorBitmap(bitmap)  # type: ignore[arg-type,call-arg]  # the stubs know C++ only

    def _blocks(self, positions: Numbers) -> Iterator[Vectors]:
        rows = self._whole.rows()
        for start in range(0, len(positions), _BLOCK):
            yield rows[positions[start : start + _BLOCK]]

    def vectors(self, numbers: Numbers) -> Vectors:
        found = np.zeros((len(numbers), self._dimension), dtype=np.float32)
        with self._lock.reading():
            positions, known = self._locate(numbers)
            found[known] = self._whole.rows()[positions]
        return found

    def numbers(self) -> Numbers:
        return self._ascending

    def snapshot(self, folder: Path, *, seq: int, identity: str) -> None:
        with self._lock.reading():
            write_snapshot(folder, Snapshot(seq, self._by_position, self._whole.rows()), identity=identity)

    def restore(self, folder: Path, *, identity: str) -> int:
        snapshot = read_snapshot(folder, identity=identity, dimension=self._dimension)
        with self._lock.writing():
            for flat in self._flat_indexes():
                flat.cut(0)
            for start in range(0, len(snapshot.numbers), _BLOCK):
                self._append(snapshot.vectors[start : start + _BLOCK])
            self._name_positions(snapshot.numbers)
        return snapshot.seq

    def stats(self) -> Mapping[str, int | float | str]:
        copies = 2 if self._spaces else 1
        return {
            "kind": "faiss flat",
            "tracks": len(self),
            "dimension": self._dimension,
            "bytes": len(self) * (4 * copies * self._dimension + 3 * self._by_position.itemsize),
        }

    def _name_positions(self, by_position: Numbers) -> None:
        """Note which number stands at each position."""
        self._by_position = by_position
        self._positions = np.argsort(by_position, kind="stable")
        self._ascending = by_position[self._positions]
        self._ascending.setflags(write=False)

    def _locate(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """Return the positions of the numbers that are stored, and which of the numbers those are."""
        places, known = find(self._ascending, numbers)
        return self._positions[places], known

    def _flat_indexes(self) -> Sequence[_FlatSpace]:
        return [self._whole, *self._spaces]
