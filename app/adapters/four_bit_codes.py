"""Rows in four bits for each pair of dimensions, which FAISS scans in registers.

A product quantiser (Jégou, Douze and Schmid, *Product quantization for nearest neighbor search*, 2011) of two
dimensions a code, 16 centroids each, scanned by table look-ups in registers (André, Kermarrec and Le Scouarnec,
*Quicker ADC*, 2019; FAISS calls it fast scan). There are no cells: whatever the weights, every row is looked at,
and skewed weights cost only a longer list of candidates. No code spans two spaces, so that a space that a query
does not weigh adds nothing to the scores, neither truth nor error.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from app.database import Numbers
from app.domain import Vectors

_PAIR = 2
"""Dimensions of a code."""

_BITS = 4

Bytes = NDArray[np.uint8]


class PairCodes:
    """The codes of some spaces of (N, D) rows, at the positions of the rows."""

    def __init__(self, spaces: Sequence[slice]) -> None:
        self._spaces = spaces
        widths = [-(-(space.stop - space.start) // _PAIR) * _PAIR for space in spaces]  # even: the rest is zeros
        self._ends = list(accumulate(widths))
        dimension = self._ends[-1]
        self._index: Any = faiss.IndexPQFastScan(  # the stubs know little of it
            dimension, dimension // _PAIR, _BITS, faiss.METRIC_INNER_PRODUCT
        )

    def __len__(self) -> int:
        count: int = self._index.ntotal
        return count

    @property
    def nbytes(self) -> int:
        """Memory that the codes take."""
        codes: int = self._index.M2
        return len(self) * codes * _BITS // 8

    def train(self, vectors: Vectors) -> None:
        """Choose the centroids by a sample of whole vectors."""
        self._index.train(self._own(vectors))

    def append(self, vectors: Vectors) -> None:
        """Add whole vectors after the last position."""
        self._index.add(self._own(vectors))

    def write(self, positions: Numbers, vectors: Vectors) -> None:
        """Put whole vectors in place of what is there."""
        self._pack(positions, self._index.pq.compute_codes(self._own(vectors)))

    def cut(self, count: int) -> None:
        """Keep the first positions. FAISS adds to what it takes for zeros, so zeros are left behind."""
        packer = self._index.get_CodePacker()
        whole = -(-count // packer.nvec)
        self._blocks(packer.block_size)[whole:] = 0
        gone = np.arange(count, min(len(self), whole * packer.nvec))
        self._pack(gone, np.zeros((len(gone), self._index.pq.code_size), dtype=np.uint8))
        self._index.ntotal = count
        self._index.ntotal2 = -(-count // self._index.bbs) * self._index.bbs

    def best(self, queries: Vectors, k: int) -> Sequence[Numbers]:
        """Return for each of whole (Q, D) queries the k positions that look best, best first."""
        positions = self._index.search(self._own(queries), min(k, len(self)))[1]
        return [each[each >= 0] for each in positions]

    def to_bytes(self) -> Bytes:
        """Centroids and codes."""
        return np.asarray(faiss.serialize_index(self._index), dtype=np.uint8)

    @classmethod
    def from_bytes(cls, spaces: Sequence[slice], data: Bytes) -> Self:
        """Take up what ``to_bytes`` gave."""
        codes = cls(spaces)
        codes._index = faiss.deserialize_index(data)
        return codes

    def _pack(self, positions: Numbers, codes: Bytes) -> None:
        if not len(positions):
            return
        packer = self._index.get_CodePacker()
        blocks = self._blocks(packer.block_size)
        for position, code in zip(positions.tolist(), codes, strict=True):
            block, lane = divmod(position, packer.nvec)
            packer.pack_1(code, lane, blocks[block : block + 1])

    def _blocks(self, size: int) -> Bytes:
        codes = self._index.codes
        flat: Bytes = faiss.rev_swig_ptr(codes.get(), codes.size())
        return flat[: len(flat) // size * size].reshape(-1, size)

    def _own(self, vectors: Vectors) -> Vectors:
        own = np.zeros((len(vectors), self._ends[-1]), dtype=np.float32)
        for space, start in zip(self._spaces, [0, *self._ends], strict=False):
            own[:, start : start + space.stop - space.start] = vectors[:, space]
        return own


class FourBitCodes:
    """Codes of all spaces together, and of each by itself."""

    def __init__(self, spaces: Sequence[slice]) -> None:
        self._spaces = spaces
        self.joint = PairCodes(spaces)
        self.single = [PairCodes([space]) for space in spaces] if len(spaces) > 1 else []

    def __len__(self) -> int:
        return len(self.joint)

    @property
    def nbytes(self) -> int:
        """Memory that the codes take."""
        return sum(part.nbytes for part in self.parts)

    @property
    def parts(self) -> Sequence[PairCodes]:
        """The joint codes, then those of each space."""
        return [self.joint, *self.single]

    def part_for(self, query: Vectors) -> int:
        """Return which of the parts a query is best asked of."""
        active = [place for place, space in enumerate(self._spaces) if query[space].any()]
        return 1 + active[0] if len(active) == 1 and self.single else 0

    def train(self, vectors: Vectors) -> None:
        """Choose the centroids by a sample of rows."""
        for part in self.parts:
            part.train(vectors)

    def append(self, vectors: Vectors) -> None:
        """Add rows after the last position."""
        for part in self.parts:
            part.append(vectors)

    def write(self, positions: Numbers, vectors: Vectors) -> None:
        """Put rows in place of what is there."""
        for part in self.parts:
            part.write(positions, vectors)

    def cut(self, count: int) -> None:
        """Keep the first positions."""
        for part in self.parts:
            part.cut(count)

    def to_bytes(self) -> Mapping[str, Bytes]:
        """Every part by its name."""
        return {f"codes {place}": part.to_bytes() for place, part in enumerate(self.parts)}

    @classmethod
    def from_bytes(cls, spaces: Sequence[slice], data: Mapping[str, Any]) -> Self:
        """Take up what ``to_bytes`` gave."""
        codes = cls(spaces)
        codes.joint = PairCodes.from_bytes(spaces, data["codes 0"])
        codes.single = [
            PairCodes.from_bytes([space], data[f"codes {place}"])
            for place, space in enumerate(spaces, start=1)
            if codes.single
        ]
        return codes
