"""FAISS: every row scanned, in half precision while that is quick, in four-bit codes where the catalogue is large.

Up to ``EXACT_UP_TO`` tracks a search scans the rows themselves and misses nothing. Beyond, ``improve`` builds codes
of all spaces together and of each by itself, measures how many candidates they must name to reach the wanted recall
with every pattern of weights, and puts them to use; where that cannot be reached the exact scan stays. Candidates
are scored again on the rows in float64, so that scores and order are always those of the reference index, also
where rows tie at the cut; only recall is approximate, and answers say what it is.

A track takes 2 D + 16 bytes, and D / 2 more where there are codes (D / 4 with a single space).
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path

import faiss
import numpy as np
import structlog

from app.adapters.four_bit_codes import FourBitCodes, PairCodes
from app.adapters.gpu_mirror import CPU, Device, GpuMirror
from app.adapters.half_rows import HalfRows, to_single
from app.adapters.index_snapshot import Snapshot, read_snapshot, write_snapshot
from app.adapters.read_write_lock import ReadWriteLock
from app.adapters.row_view import Choice, RowView
from app.adapters.search_depth import Depth, measure_depths
from app.adapters.shortcut import Shortcut, cores
from app.adapters.track_places import Places
from app.database import Numbers
from app.domain import EncoderInfo, Vectors
from app.errors import IndexCorrupt
from app.index_rows import checked_query, checked_rows, distinct, no_hits
from app.ports import Hits

log = structlog.get_logger(__name__)

EXACT_UP_TO = 100_000
"""Tracks that are scanned exactly in a few milliseconds."""

_SLICE = 2048
"""Rows encoded at a time, while writes wait."""

_SAMPLE = 65_536
"""Rows that codes are trained on."""

_GROWTH = 1.5
"""Codes are trained and measured anew once the catalogue has grown or shrunk by this factor."""

_TRIED = 16
"""So many times as many tracks are looked at for those that have a rare space."""

_SHRUNK = 0.8
"""Codes that are there are given up at this share of what they are built at, not at every crossing."""

_TOGETHER = 16
"""Queries that are answered before a write that waits has its turn."""

_TURNS = threading.BoundedSemaphore(cores())
"""Searches at work at once: more than there are cores would all end late, and keep the event loop waiting."""

_SEED = 20_262
"""Of the sample and of the queries that depth is measured with."""


class _StoppedError(Exception):
    """Codes that were being built are not wanted any more."""


class FaissIndex:
    """Searches run side by side; a write waits for them and holds them off for as long as it copies rows."""

    def __init__(self, encoder: EncoderInfo, recall: float = 0.99, device: Device = CPU) -> None:
        self._dimension = encoder.dimension
        self._spaces = list(encoder.slices().values())
        self._recall = recall
        self._device = device
        self._mirror: GpuMirror | None = None
        self._rows = HalfRows(encoder.dimension)
        self._places = Places()
        self._longest = 0.0
        self._shortcut: Shortcut | None = None
        self._measured_at = 0
        self._growing: FourBitCodes | None = None
        self._lock = ReadWriteLock()
        self._writing = threading.Lock()
        self._improving = threading.Lock()

    def __len__(self) -> int:
        return len(self._places)

    def add(self, numbers: Numbers, vectors: Vectors) -> None:
        numbers, vectors = checked_rows(numbers, vectors, self._dimension)
        with self._writing:
            positions, known = self._places.locate(numbers)
            new = np.delete(np.arange(len(numbers)), known)
            places = self._places.appended(numbers[new]) if len(new) else self._places
            with self._whole():
                self._longest = max(self._longest, _longest(vectors))
                self._write(positions, vectors[known])
                self._append(vectors[new])
                self._places = places

    def _write(self, positions: Numbers, vectors: Vectors) -> None:
        self._rows.write(positions, vectors)
        if self._mirror:
            self._mirror.write(positions)
        for codes in self._codes():
            encoded = positions < len(codes)
            codes.write(positions[encoded], vectors[encoded])

    def _append(self, vectors: Vectors) -> None:
        whole = [codes for codes in self._codes() if len(codes) == len(self._rows)]
        self._rows.append(vectors)
        for codes in whole:
            codes.append(vectors)

    def remove(self, numbers: Numbers) -> None:
        with self._writing:
            gone, _ = self._places.locate(distinct(numbers))
            if not len(gone):
                return
            places, holes, movers = self._places.closing_gaps(gone)
            with self._whole():
                self._write(holes, self._rows.take(movers))
                self._places = places
                self._cut(len(places))

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Hold off searches for a write. One that fails leaves rows and their tracks in step, and no codes."""
        faiss.omp_set_num_threads(1)  # several that encode a few rows wait for each other, and searches for them
        with self._lock.writing():
            try:
                yield
            except BaseException:
                self._shortcut, self._growing, self._measured_at = None, None, 0
                self._cut(len(self._places))
                raise

    def _cut(self, count: int) -> None:
        self._rows.cut(count)
        if self._mirror:
            self._mirror.cut(count)
        for codes in self._codes():
            if len(codes) > count:
                codes.cut(count)

    def _codes(self) -> list[FourBitCodes]:
        """All codes that writes have to be told."""
        used = [self._shortcut.codes] if self._shortcut else []
        return used + ([self._growing] if self._growing else [])

    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        query = checked_query(query, k, self._dimension)
        with _TURNS, self._lock.reading():
            view = self._view()
            return self._find(view, query, k, view.choose(allowed))

    def search_many(self, queries: Vectors, k: int, allowed: Numbers | None = None) -> Sequence[Hits]:
        checked = [checked_query(query, k, self._dimension) for query in queries]
        found: list[Hits] = []
        for start in range(0, len(checked), _TOGETHER):
            with _TURNS, self._lock.reading():
                found += self._find_together(checked[start : start + _TOGETHER], k, allowed)
        return found

    def _find_together(self, queries: Sequence[Vectors], k: int, allowed: Numbers | None) -> list[Hits]:
        view = self._view()
        choice = view.choose(allowed)
        named: Sequence[Numbers | None] = [None] * len(queries)
        if self._shortcut and choice.count:
            named = self._shortcut.name_together(view, queries, k, choice)
        return [self._find(view, query, k, choice, each) for query, each in zip(queries, named, strict=True)]

    def _view(self) -> RowView:
        return RowView(self._rows, self._places, self._spaces, self._longest)

    def _find(self, view: RowView, query: Vectors, k: int, choice: Choice, named: Numbers | None = None) -> Hits:
        """Search in the quickest way that there is; ``named`` are what codes gave for the query already."""
        if not choice.count:
            return no_hits()
        faiss.omp_set_num_threads(1)  # one query is one scan: more threads only fight with other searches
        found, mirror = None, self._mirror  # another search may leave the GPU at any moment
        if mirror:
            found = self._on_gpu(mirror, view, query, k, choice)
        if found is None and self._shortcut:
            found = self._shortcut.find(view, query, k, choice, named)
        return found or view.find(query, k, choice)

    def _on_gpu(self, mirror: GpuMirror, view: RowView, query: Vectors, k: int, choice: Choice) -> Hits | None:
        try:
            return mirror.find(view, query, k, choice)
        except RuntimeError as error:
            self._leave_gpu(error)
            return None

    def _leave_gpu(self, error: RuntimeError) -> None:
        log.error("the index leaves the GPU and goes on, slower, on the CPU", error=str(error))
        self._mirror, self._device = None, Device(trouble=str(error))

    def improve(self, is_stopped: Callable[[], bool] = lambda: False) -> bool:
        if not self._improving.acquire(blocking=False):
            return False
        try:
            return self._improve(is_stopped)
        except _StoppedError:
            return False
        finally:
            with self._writing:
                self._growing = None
            self._improving.release()

    def _improve(self, is_stopped: Callable[[], bool]) -> bool:
        count = len(self)
        self._fill_mirror()
        if count <= EXACT_UP_TO * (_SHRUNK if self._shortcut else 1) or self._recall >= 1:
            return self._shortcut is not None and self._use(None, 0)
        if self._measured_at / _GROWTH < count < self._measured_at * _GROWTH:
            return False
        faiss.omp_set_num_threads(1)
        generator = np.random.default_rng(_SEED)
        codes = self._grow_codes(generator, is_stopped)
        depths = measure_depths(
            [partial(self._named_by, part, is_stopped) for part in codes.parts],
            self._spaces,
            partial(self._draw, generator),
            self._truth,
            recall=self._recall,
            generator=generator,
        )
        useful = Shortcut(codes, depths) if any(depths) else None
        had_some = self._shortcut is not None
        return self._use(useful, count, codes) and (had_some or useful is not None)

    def _fill_mirror(self) -> None:
        make_flat, mirror = self._device.make_flat, self._mirror
        if make_flat is None or not len(self) or (mirror and not mirror.is_outdated(len(self))):
            return
        with self._writing:
            try:
                mirror = mirror or GpuMirror(make_flat(self._dimension))
                mirror.fill(self._rows.blocks())
                self._mirror = mirror
            except RuntimeError as error:
                self._leave_gpu(error)

    def _grow_codes(self, generator: np.random.Generator, is_stopped: Callable[[], bool]) -> FourBitCodes:
        """Encode all rows, a few at a time between writes."""
        codes = FourBitCodes(self._spaces)
        codes.train(self._sample(_SAMPLE, generator)[1])
        with self._writing:
            self._growing = codes
        while len(codes) < len(self._rows):
            with self._writing:
                if self._growing is not codes or is_stopped():
                    raise _StoppedError
                start = len(codes)
                end = min(start + _SLICE, len(self._rows))
                codes.append(self._rows.take(np.arange(start, end)))
        return codes

    def _use(self, shortcut: Shortcut | None, measured_at: int, grown: FourBitCodes | None = None) -> bool:
        """Put codes to use from one search to the next, unless the index was emptied while they grew."""
        with self._writing, self._lock.writing():
            if grown is not self._growing:
                return False
            self._shortcut, self._measured_at = shortcut, measured_at
            self._growing = None
        return True

    def _sample(self, count: int, generator: np.random.Generator) -> tuple[Numbers, Vectors]:
        """Positions and rows of tracks, each at most once."""
        with self._lock.reading():
            count = min(count, len(self))
            positions = generator.choice(len(self), size=count, replace=False, shuffle=False)
            return positions, self._rows.take(positions)

    def _draw(self, generator: np.random.Generator, count: int, dimensions: slice) -> tuple[Numbers, Vectors]:
        """Positions and rows of tracks that have something in some dimensions, some again if they are few."""
        positions, rows = self._sample(_TRIED * count, generator)
        there = np.flatnonzero(rows[:, dimensions].any(axis=1))
        chosen = np.resize(there, count) if len(there) else np.arange(count) % len(rows)
        return positions[chosen], rows[chosen]

    def _truth(self, query: Vectors, k: int) -> Numbers:
        with self._lock.reading():
            return self._rows.best(query, k)[0]

    def _named_by(self, part: PairCodes, is_stopped: Callable[[], bool], query: Vectors, k: int) -> Numbers:
        if is_stopped():
            raise _StoppedError
        with self._lock.reading():
            return part.best(query[np.newaxis], k)[0]

    def vectors(self, numbers: Numbers) -> Vectors:
        found = np.zeros((len(numbers), self._dimension), dtype=np.float32)
        with self._lock.reading():
            positions, known = self._places.locate(np.asarray(numbers, dtype=np.int64))
            found[known] = self._rows.take(positions)
        return found

    def numbers(self) -> Numbers:
        return self._places.numbers()

    def snapshot(self, folder: Path, *, seq: int, identity: str) -> None:
        with self._writing:
            shortcut = self._shortcut
            notes = {
                "longest": self._longest,
                "measured_at": self._measured_at,
                "recall": self._recall,
                "depths": [depth and asdict(depth) for depth in shortcut.depths] if shortcut else [],
            }
            codes = shortcut.codes.to_bytes() if shortcut else {}
            snapshot = Snapshot(seq, self._places.by_position, self._rows.chunks(), codes, notes)
            write_snapshot(folder, snapshot, identity=identity)

    def restore(self, folder: Path, *, identity: str) -> int:
        snapshot = read_snapshot(folder, identity=identity, dimension=self._dimension)
        rows, places = HalfRows(self._dimension), Places.of(snapshot.numbers)
        longest = snapshot.notes.get("longest", 0.0)
        for chunk in snapshot.rows:
            rows.append(chunk)
            longest = longest or _longest(to_single(chunk))
        shortcut = self._shortcut_of(snapshot, folder)
        with self._writing, self._lock.writing():
            self._rows, self._places, self._longest = rows, places, longest
            self._shortcut, self._growing = shortcut, None
            self._mirror = None
            same_aim = snapshot.notes.get("recall") == self._recall
            self._measured_at = snapshot.notes["measured_at"] if same_aim else 0
        return snapshot.seq

    def _shortcut_of(self, snapshot: Snapshot, folder: Path) -> Shortcut | None:
        """Return the codes of a snapshot, unless another recall was asked for when they were measured."""
        if not snapshot.codes or snapshot.notes["recall"] != self._recall:
            return None
        try:
            codes = FourBitCodes.from_bytes(self._spaces, snapshot.codes)
        except RuntimeError as error:
            raise IndexCorrupt(f"FAISS cannot read the codes in {folder}; rebuild the index.") from error
        return Shortcut(codes, [depth and Depth(**depth) for depth in snapshot.notes["depths"]])

    def discard(self) -> None:
        self.remove(self.numbers())

    def stats(self) -> Mapping[str, int | float | str]:
        with self._lock.reading():
            shortcut = self._shortcut
            coded = shortcut.codes.nbytes if shortcut else 0
            held: dict[str, int | float | str] = {
                "tracks": len(self),
                "dimension": self._dimension,
                "bytes": self._rows.nbytes + self._places.nbytes + coded,
                "device": self._device.name,
            }
            if self._device.trouble:
                held["device_trouble"] = self._device.trouble
        if shortcut is None:
            return {"kind": "faiss half precision, exact", **held, "recall": 1.0}
        useful = [depth for depth in shortcut.depths if depth]
        return {
            "kind": "faiss four-bit codes, scored exactly",
            **held,
            "recall": min(depth.recall for depth in useful),
            "candidates": max(depth.needed[0] for depth in useful),
            "measured_at": self._measured_at,
        }


def _longest(vectors: Vectors) -> float:
    return float(np.linalg.norm(vectors.astype(np.float64), axis=1).max(initial=0.0))
