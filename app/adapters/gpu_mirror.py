"""A copy of the rows on a GPU, which FAISS scans there in half precision.

The rows in memory stay the truth: positions written since the copy was made are scored on the CPU, and the copy is
made anew, in the background, once they are many. The GPU rounds queries to half precision too, so it only names
candidates; who uses them scores them again, and asks the CPU where rounding could have hidden one.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import faiss
import numpy as np
import structlog

from app.adapters.row_view import SPARE, Choice, RowView
from app.database import Numbers
from app.domain import Vectors
from app.ports import Hits

log = structlog.get_logger(__name__)

_MOST = 2048
"""Candidates that FAISS names at most on a GPU."""

_STALE, _SHARE_STALE = 4096, 0.01
"""The copy is made anew once so many positions have changed, or in a large catalogue this share of them."""

_ROUNDING = 2.0**-10
"""How far a score may be off, as a share of the lengths of query and row: twice what half precision rounds away."""

_DEEPER = 5
"""So many times as many candidates are asked for as would do without rounding, and behind a filter."""

_PATIENCE_S = 0.05
"""A search that has waited so long for its turn, since rows are being copied, is answered by the CPU."""

MakeFlat = Callable[[int], faiss.Index]
"""Makes an empty inner-product index of so many dimensions where rows are to be scanned."""


@dataclass(frozen=True, slots=True)
class Device:
    """Where rows are scanned.

    Attributes:
        name: As in ``stats``.
        make_flat: Makes what scans them there; ``None`` is the CPU.
        trouble: Why it is not the device that was asked for.
    """

    name: str = "cpu"
    make_flat: MakeFlat | None = None
    trouble: str | None = None


CPU = Device()


@cache
def find_device(wanted: str) -> Device:
    """Return ``cpu``, ``cuda`` or ``cuda:N``, or with ``auto`` a GPU where FAISS sees one.

    A GPU that is asked for and is not there is no reason not to serve: the CPU takes its place, and says so.
    """
    count = faiss.get_num_gpus() if hasattr(faiss, "StandardGpuResources") else 0
    if wanted == "cpu" or (wanted == "auto" and not count):
        return CPU
    place = int(wanted.partition(":")[2] or 0)
    if place < count:
        return Device(f"cuda:{place}", partial(_gpu_flat, place))
    trouble = (
        f"FAISS sees {count} GPUs and cannot use {wanted!r}: install soundkin[gpu] in place of soundkin[cpu] on a "
        "machine with an NVIDIA GPU, or set SOUNDKIN_INDEX_DEVICE=cpu."
    )
    log.warning("the index is searched on the CPU", why=trouble)
    return Device(trouble=trouble)


def _gpu_flat(place: int, dimension: int) -> faiss.Index:
    gpu: Any = faiss  # the stubs are those of the build for CPUs
    config = gpu.GpuIndexFlatConfig()
    config.device, config.useFloat16 = place, True
    flat: faiss.Index = gpu.GpuIndexFlatIP(gpu.StandardGpuResources(), dimension, config)
    return flat


class GpuMirror:
    """The first rows, as they were when they were copied. Written by one thread at a time, asked by many."""

    def __init__(self, flat: faiss.Index) -> None:
        self._flat = flat
        self._count = 0
        self._stale: set[int] = set()
        self._turn = threading.Lock()  # an index on a GPU answers one thread at a time

    def is_outdated(self, count: int) -> bool:
        """Whether too much of ``count`` rows is missing or has changed for the copy to be of use."""
        return len(self._stale) + count - self._count > max(_STALE, _SHARE_STALE * count)

    def fill(self, blocks: Iterable[Vectors]) -> None:
        """Copy all rows anew; who writes must wait."""
        with self._turn:
            self._count = 0
            self._flat.reset()
            for block in blocks:
                self._flat.add(block)
            self._stale.clear()
            self._count = self._flat.ntotal

    def write(self, positions: Numbers) -> None:
        """Note that rows have changed; who searches must wait."""
        self._stale.update(position for position in positions.tolist() if position < self._count)

    def cut(self, count: int) -> None:
        """Note that only the first rows are left; who searches must wait."""
        self._count = min(self._count, count)
        self._stale = {position for position in self._stale if position < count}

    def find(self, view: RowView, query: Vectors, k: int, choice: Choice) -> Hits | None:
        """Find on the GPU; ``None`` where that may have missed something, or while rows are copied.

        Raises:
            RuntimeError: The GPU does not answer.
        """
        total = len(view)
        asked = min(total, int(_DEEPER * (k + SPARE) * total / choice.count))
        if choice.is_few(k) or asked > _MOST or not self._turn.acquire(timeout=_PATIENCE_S):
            return None
        try:
            if not self._count or self.is_outdated(total):
                return None
            positions, last = self._named(query, asked, total)
        finally:
            self._turn.release()
        reach = -np.inf if asked == total else last + _ROUNDING * float(np.linalg.norm(query)) * view.longest
        candidates = choice.among(positions)
        if len(candidates) < min(k, choice.count):
            return None
        numbers, scores = view.best_of(candidates, query, k)
        sure = scores[-1] > reach  # what was not named scores no more than that
        return Hits(numbers, scores, exact=True, allowed=choice.count) if sure else None

    def _named(self, query: Vectors, asked: int, total: int) -> tuple[Numbers, float]:
        """Return the positions that look best or that the copy does not show as they are, and the last score."""
        scores, positions = self._flat.search(query[np.newaxis], min(asked, self._flat.ntotal))
        stale = np.fromiter(self._stale, dtype=np.int64, count=len(self._stale))
        named = positions[0][(positions[0] < self._count) & ~np.isin(positions[0], stale)]
        return np.concatenate([named, stale, np.arange(self._count, total)]), float(scores[0, -1])
