"""One index that follows the database, and what belongs to it."""

import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import structlog

from app.database import Catalogue, Numbers, Transaction
from app.domain import Calibration, Change, ChangeKind, EncoderInfo
from app.errors import IndexCorrupt, IndexUnavailable
from app.index_rows import as_stored
from app.ports import IndexFactory, VectorIndex
from app.services.background import Background, draw_background

log = structlog.get_logger(__name__)

_KEPT_S = 86_400.0

_REPLAYED = 0.01
"""Share of the tracks that a start reads from the database rather than that all are written to disk again."""

_VECTORS_CHANGE = {ChangeKind.TRACK_EMBEDDED, ChangeKind.TRACK_DELETED}


@dataclass(frozen=True, slots=True)
class IndexDifference:
    """How an index differs from the database, by track numbers.

    Attributes:
        library_id: Whose index.
        encoder_id: ``EncoderInfo.id``.
        missing: In the database, not in the index.
        extra: In the index, not in the database.
        different: In both, with different vectors.
    """

    library_id: str
    encoder_id: str
    missing: tuple[int, ...]
    extra: tuple[int, ...]
    different: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.different)


@dataclass(slots=True)
class KeptIndex:
    """An index of one (library, encoder).

    Attributes:
        library_id: Whose tracks.
        encoder: What made the vectors.
        index: The vectors. Searched by many threads, written by one.
        seq: Everything up to this change is in it.
        calibration: Of this library and encoder; ``None`` until there are enough tracks.
        unsaved: How many tracks have changed since the snapshot on disk; all, where there is none.
        saved_seq: What that snapshot holds.
        saved_at: When it was written, in seconds since 1970.
        changes: How often its vectors have changed.
        improved: How often what makes searches faster has changed.
        saved_improved: What of that is in the snapshot.
        is_counted: Whether it is known to hold as many tracks as the database, which a restored one is not.
    """

    library_id: str
    encoder: EncoderInfo
    index: VectorIndex
    seq: int
    calibration: Calibration | None = None
    unsaved: int = 0
    saved_seq: int = -1
    saved_at: float = field(default_factory=time.time)
    changes: int = 0
    improved: int = 0
    saved_improved: int = 0
    is_counted: bool = True
    _background: Background | None = None

    def sync(self, catalogue: Catalogue, numbers: Iterable[int]) -> None:
        """Bring these tracks to what the database says now, whatever happened to them."""
        wanted = np.unique(np.fromiter(numbers, dtype=np.int64))
        found, vectors = catalogue.vectors(self.encoder.id, wanted.tolist())
        before = len(self.index)
        self.index.remove(np.setdiff1d(wanted, found))
        self.unsaved += before - len(self.index) + len(found)
        if len(found):
            self.index.add(found, vectors)
        self.changes += 1

    def follow(self, tx: Transaction) -> bool:
        """Apply the next changes of the library; return whether there were any."""
        changes = tx.changes.after(self.seq, library_id=self.library_id)
        if not changes:
            return False
        self.sync(tx.catalogue, touched(changes).get(self.library_id, ()))
        self.seq = changes[-1].seq
        return True

    def background(self) -> Background:
        """Return the tracks that similarities are compared with; they stay while the index is much the same."""
        background, changes = self._background, self.changes
        if background is None or not background.stands_for(len(self.index), changes):
            self._background = background = draw_background(self.index, changes)
        return background

    def improve(self, is_stopped: Callable[[], bool]) -> None:
        """Let the index become faster; what it has built belongs into the next snapshot."""
        if self.index.improve(is_stopped):
            self.improved += 1
            log.info("index improved", library=self.library_id, encoder=self.encoder.name, **self.index.stats())

    @property
    def is_worth_saving(self) -> bool:
        """Whether a restart would take longer to catch up from the snapshot on disk than to read a new one.

        One that is a day old is worth it too: the change log does not reach back for ever.
        """
        if self.seq > self.saved_seq and time.time() - self.saved_at > _KEPT_S:
            return True
        return self.improved > self.saved_improved or self.unsaved > _REPLAYED * len(self.index)

    def count(self, catalogue: Catalogue) -> bool:
        """Whether the index holds as many tracks as the database, which must be at ``seq``."""
        self.is_counted = catalogue.count_embedded(self.library_id, self.encoder.id) == len(self.index)
        return self.is_counted

    def complete(self, catalogue: Catalogue, tell: Callable[[int], None]) -> None:
        """Write what differs from the database, and tell how many tracks were looked at."""
        held = left = self.index.numbers()
        for numbers, vectors in catalogue.all_vectors(self.library_id, self.encoder.id):
            wanted = ~np.isin(numbers, held) | (self.index.vectors(numbers) != as_stored(vectors)).any(axis=1)
            self.index.add(numbers[wanted], vectors[wanted])
            left = np.setdiff1d(left, numbers)
            tell(len(numbers))
        self.index.remove(left)

    def compare(self, catalogue: Catalogue) -> IndexDifference:
        """Compare every vector with the database, which must be at ``seq``."""
        held = self.index.numbers()
        missing: list[int] = []
        different: list[int] = []
        stored: list[Numbers] = [np.empty(0, dtype=np.int64)]
        for numbers, vectors in catalogue.all_vectors(self.library_id, self.encoder.id):
            there = np.isin(numbers, held)
            unlike = (self.index.vectors(numbers) != as_stored(vectors)).any(axis=1)
            missing += numbers[~there].tolist()
            different += numbers[there & unlike].tolist()
            stored.append(numbers)
        extra = np.setdiff1d(held, np.concatenate(stored)).tolist()
        return IndexDifference(self.library_id, self.encoder.id, tuple(missing), tuple(extra), tuple(different))


@dataclass(frozen=True, slots=True)
class IndexShelf:
    """Where indexes come from and where their snapshots lie: ``folder/library/encoder``."""

    factory: IndexFactory
    folder: Path

    def open(self, tx: Transaction, library_id: str, encoder: EncoderInfo) -> KeptIndex:
        """Restore the snapshot, or build from the database where there is none that can be used."""
        index = self.factory(library_id, encoder)
        place = self._place(library_id, encoder)
        try:
            seq = index.restore(place, identity=_identity(library_id, encoder))
        except IndexCorrupt as error:
            tell = log.warning if place.exists() else log.info  # a first start has none, and that is no fault
            tell("index is built from the database", library=library_id, encoder=encoder.name, why=str(error))
            return self.build(tx, library_id, encoder)
        if seq > tx.changes.last_seq():
            log.warning("index snapshot is ahead of the database, which was replaced", library=library_id)
            return self.build(tx, library_id, encoder)
        return KeptIndex(
            library_id,
            encoder,
            index,
            seq,
            calibration=tx.catalogue.calibration(library_id, encoder.id),
            saved_seq=seq,
            saved_at=_written_at(place),
            is_counted=False,
        )

    def build(self, tx: Transaction, library_id: str, encoder: EncoderInfo) -> KeptIndex:
        """Build from the vectors in the database.

        The number of the last change is read first: what is read after it may be newer, which does no harm when
        the change is followed again, while the other order would lose changes.
        """
        seq = tx.changes.last_seq()
        index = self.factory(library_id, encoder)
        for numbers, vectors in tx.catalogue.all_vectors(library_id, encoder.id):
            index.add(numbers, vectors)
        measured = tx.catalogue.calibration(library_id, encoder.id)
        return KeptIndex(library_id, encoder, index, seq, measured, unsaved=max(1, len(index)))

    def complete(
        self, tx: Transaction, library_id: str, encoder: EncoderInfo, tell: Callable[[int], None]
    ) -> KeptIndex:
        """Bring a snapshot to what the database says now, from wherever an earlier attempt has come.

        Where there is none an empty one is written, of a time before all changes: whoever takes that up meanwhile
        completes it as well.

        Args:
            tx: Reads the database.
            library_id: Whose vectors.
            encoder: Of which encoder.
            tell: Is told of every so many tracks.
        """
        kept = KeptIndex(library_id, encoder, self.factory(library_id, encoder), tx.changes.last_seq())
        place, identity = self._place(library_id, encoder), _identity(library_id, encoder)
        try:
            kept.index.restore(place, identity=identity)
        except IndexCorrupt:
            kept.index.snapshot(place, seq=0, identity=identity)
        kept.complete(tx.catalogue, tell)
        kept.index.snapshot(place, seq=kept.seq, identity=identity)
        kept.index.restore(place, identity=identity)
        return kept

    def save(self, kept: KeptIndex) -> None:
        """Write a snapshot where that is worth it. A full disk, or a server away, is logged: the index goes on."""
        if not kept.is_worth_saving:
            return
        place = self._place(kept.library_id, kept.encoder)
        improved = kept.improved  # another thread may go on while the snapshot is written
        try:
            kept.index.snapshot(place, seq=kept.seq, identity=_identity(kept.library_id, kept.encoder))
        except (OSError, IndexUnavailable) as error:
            log.warning("index snapshot not written", folder=str(place), error=str(error))
        else:
            kept.unsaved, kept.saved_improved = 0, improved
            kept.saved_seq, kept.saved_at = kept.seq, time.time()

    def discard(self, kept: KeptIndex) -> None:
        """Remove the snapshot of an index that is no longer kept, and its vectors, wherever they lie."""
        kept.index.discard()
        shutil.rmtree(self._place(kept.library_id, kept.encoder), ignore_errors=True)

    def clear(self, library_id: str, encoder: EncoderInfo) -> None:
        """Remove what is left of an index that nobody keeps."""
        self.discard(KeptIndex(library_id, encoder, self.factory(library_id, encoder), seq=-1))

    def _place(self, library_id: str, encoder: EncoderInfo) -> Path:
        return self.folder / library_id / encoder.id


def touched(changes: Iterable[Change]) -> Mapping[str, Sequence[int]]:
    """Return the numbers of the tracks whose vectors may have changed, by library."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for change in changes:
        if change.kind in _VECTORS_CHANGE and change.number is not None:
            numbers[change.library_id].append(change.number)
    return numbers


def _written_at(place: Path) -> float:
    """Return when the snapshot there was written; long ago, where it does not lie in a file.

    What a process has begun beside it and not ended is younger.
    """
    return min((file.stat().st_mtime for file in place.glob("*")), default=0.0)


def _identity(library_id: str, encoder: EncoderInfo) -> str:
    """Library, encoder row and artifact: ids are given by a database, so another database is noticed too."""
    return f"{library_id} {encoder.id} {encoder.digest}"
