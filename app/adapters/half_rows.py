"""Rows in half precision, in chunks that FAISS scans where they lie."""

from collections.abc import Iterator, Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from app.database import Numbers
from app.domain import Vectors

CHUNK = 1 << 18
"""Rows of a chunk. Its memory is reserved at once; the system hands it out as rows come."""

_BLOCK = 16_384
"""Rows that are given out at a time."""

_CACHED = 1024
"""Rows that are scored at a time, so that they stay in the cache."""

Halves = NDArray[np.float16]

_WITHOUT_SIGN_OF_SHIFT = np.int32(-0x70002000)
_EXPONENTS_APART = np.float32(2.0**112)


def to_single(halves: Halves) -> Vectors:
    """Return finite half-precision values as float32, exactly: what ``astype`` does, four times as fast.

    Exponent and mantissa are moved to where float32 has them; the bias of the exponent is made up for by a factor.
    """
    bits = np.ascontiguousarray(halves).view(np.int16).astype(np.int32)
    np.left_shift(bits, 13, out=bits)
    np.bitwise_and(bits, _WITHOUT_SIGN_OF_SHIFT, out=bits)
    values: Vectors = bits.view(np.float32)
    values *= _EXPONENTS_APART
    return values


def _seen(halves: Halves) -> Any:  # noqa: ANN401
    """Return an array as FAISS sees it, without a copy; it must outlive what is returned."""
    view: Any = faiss.MaybeOwnedVectorUInt8  # the stubs do not know what it can do
    return view.create_view(faiss.swig_ptr(halves.view(np.uint8)), halves.nbytes, view().owner)


class _Chunk:
    """An array and the FAISS index that sees it."""

    def __init__(self, dimension: int) -> None:
        self.halves: Halves = np.zeros((CHUNK, dimension), dtype=np.float16)
        self.scanner = faiss.IndexScalarQuantizer(
            dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        self.scanner.codes = _seen(self.halves)


class HalfRows:
    """(N, D) rows at positions 0 … N - 1, scanned exactly. Not locked: who writes keeps readers away."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._chunks: list[_Chunk] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """Memory taken."""
        return self._count * self._dimension * np.dtype(np.float16).itemsize

    def append(self, vectors: Vectors | Halves) -> None:
        """Add (N, D) after the last position."""
        end = self._count + len(vectors)
        while len(self._chunks) * CHUNK < end:
            self._chunks.append(_Chunk(self._dimension))
        positions = np.arange(self._count, end)
        self._resize(end)
        self.write(positions, vectors)

    def write(self, positions: Numbers, vectors: Vectors | Halves) -> None:
        """Put (N, D) in place of what is there."""
        for chunk, inside, places in self._by_chunk(positions):
            chunk.halves[places] = vectors[inside]

    def cut(self, count: int) -> None:
        """Keep the first positions; chunks that are no longer needed are given back."""
        self._resize(count)
        del self._chunks[-(-count // CHUNK) :]

    def take(self, positions: Numbers, dimensions: slice = slice(None)) -> Vectors:
        """Return (N, D) rows, or some of their dimensions, as float32."""
        width = len(range(self._dimension)[dimensions])
        taken = np.empty((len(positions), width), dtype=np.float16)
        for chunk, inside, places in self._by_chunk(positions):
            taken[inside] = chunk.halves[places, dimensions]
        return to_single(taken)

    def blocks(self) -> Iterator[Vectors]:
        """Yield all rows in order as float32, some at a time."""
        for start in range(0, self._count, _BLOCK):
            yield self.take(np.arange(start, min(start + _BLOCK, self._count)))

    def scores(self, positions: Numbers, query: Vectors, dimensions: slice) -> Vectors:
        """Return the float32 inner products of rows with a (D,) query that is zero but in some dimensions."""
        scores = np.empty(len(positions), dtype=np.float32)
        asked = np.ascontiguousarray(query[dimensions])
        for start in range(0, len(positions), _CACHED):
            some = positions[start : start + _CACHED]
            scores[start : start + _CACHED] = self.take(some, dimensions) @ asked
        return scores

    def best(self, query: Vectors, k: int) -> tuple[Numbers, Vectors]:
        """Return the k best positions with their float32 scores, best first; fewer where fewer are there."""
        found = []
        for start, scanner in self._scanners():
            scores, positions = scanner.search(query[np.newaxis], min(k, scanner.ntotal))
            found.append((start + positions[0], scores[0]))
        positions, scores = _joined(found)
        first = np.argsort(-scores, kind="stable")[:k]
        return positions[first], scores[first]

    def above(self, query: Vectors, score: float) -> Numbers:
        """Return every position whose float32 score exceeds the given one."""
        found = []
        for start, scanner in self._scanners():
            _, scores, positions = scanner.range_search(query[np.newaxis], score)
            found.append((start + positions, scores))
        return _joined(found)[0]

    def chunks(self) -> Sequence[Halves]:
        """The rows themselves, in order, to read at once."""
        return [chunk.halves[: chunk.scanner.ntotal] for chunk in self._chunks]

    def _resize(self, count: int) -> None:
        self._count = count
        for place, chunk in enumerate(self._chunks):
            chunk.scanner.ntotal = max(0, min(CHUNK, count - place * CHUNK))

    def _by_chunk(self, positions: Numbers) -> Iterator[tuple[_Chunk, slice | Numbers, Numbers]]:
        """Yield each chunk, which of the positions lie in it, and where."""
        if len(self._chunks) == 1:
            yield self._chunks[0], slice(None), positions
            return
        chunk_of = positions // CHUNK
        for place, chunk in enumerate(self._chunks):
            inside = np.flatnonzero(chunk_of == place)
            if len(inside):
                yield chunk, inside, positions[inside] - place * CHUNK

    def _scanners(self) -> Iterator[tuple[int, faiss.IndexScalarQuantizer]]:
        """Yield where each chunk begins, and what scans it."""
        for place, chunk in enumerate(self._chunks):
            if chunk.scanner.ntotal:
                yield place * CHUNK, chunk.scanner


def _joined(found: Sequence[tuple[Numbers, Vectors]]) -> tuple[Numbers, Vectors]:
    if not found:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    return np.concatenate([each[0] for each in found]), np.concatenate([each[1] for each in found])
