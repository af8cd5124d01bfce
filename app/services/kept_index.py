"""One index that follows the database, and what belongs to it."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from app.database import Catalogue, Numbers, Transaction
from app.domain import Calibration, EncoderInfo
from app.errors import IndexCorrupt
from app.ports import IndexFactory, VectorIndex

log = structlog.get_logger(__name__)


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
        is_saved: Whether the snapshot on disk holds the same vectors.
        is_counted: Whether it is known to hold as many tracks as the database, which a restored one is not.
    """

    library_id: str
    encoder: EncoderInfo
    index: VectorIndex
    seq: int
    calibration: Calibration | None = None
    is_saved: bool = False
    is_counted: bool = True

    def sync(self, catalogue: Catalogue, numbers: Iterable[int]) -> None:
        """Bring these tracks to what the database says now, whatever happened to them."""
        wanted = np.unique(np.fromiter(numbers, dtype=np.int64))
        found, vectors = catalogue.vectors(self.encoder.id, wanted.tolist())
        gone = np.intersect1d(np.setdiff1d(wanted, found), self.index.numbers())
        if len(gone):
            self.index.remove(gone)
        if len(found):
            self.index.add(found, vectors)
        self.is_saved = self.is_saved and not len(gone) and not len(found)

    def count(self, catalogue: Catalogue) -> bool:
        """Whether the index holds as many tracks as the database, which must be at ``seq``."""
        self.is_counted = catalogue.count_embedded(self.library_id, self.encoder.id) == len(self.index)
        return self.is_counted

    def compare(self, catalogue: Catalogue) -> IndexDifference:
        """Compare every vector with the database, which must be at ``seq``."""
        held = self.index.numbers()
        missing: list[int] = []
        different: list[int] = []
        stored: list[Numbers] = [np.empty(0, dtype=np.int64)]
        for numbers, vectors in catalogue.all_vectors(self.library_id, self.encoder.id):
            there = np.isin(numbers, held)
            unlike = (self.index.vectors(numbers) != vectors).any(axis=1)
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
        index = self.factory(encoder)
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
        calibration = tx.catalogue.calibration(library_id, encoder.id)
        return KeptIndex(library_id, encoder, index, seq, calibration, is_saved=True, is_counted=False)

    def build(self, tx: Transaction, library_id: str, encoder: EncoderInfo) -> KeptIndex:
        """Build from the vectors in the database.

        The number of the last change is read first: what is read after it may be newer, which does no harm when
        the change is followed again, while the other order would lose changes.
        """
        seq = tx.changes.last_seq()
        index = self.factory(encoder)
        for numbers, vectors in tx.catalogue.all_vectors(library_id, encoder.id):
            index.add(numbers, vectors)
        return KeptIndex(library_id, encoder, index, seq, tx.catalogue.calibration(library_id, encoder.id))

    def save(self, kept: KeptIndex) -> None:
        """Write a snapshot unless the one on disk says the same. A full disk is logged: the index goes on."""
        if kept.is_saved:
            return
        place = self._place(kept.library_id, kept.encoder)
        try:
            kept.index.snapshot(place, seq=kept.seq, identity=_identity(kept.library_id, kept.encoder))
        except OSError as error:
            log.warning("index snapshot not written", folder=str(place), error=str(error))
        else:
            kept.is_saved = True

    def discard(self, kept: KeptIndex) -> None:
        """Remove the snapshot of an index that is no longer kept."""
        shutil.rmtree(self._place(kept.library_id, kept.encoder), ignore_errors=True)

    def _place(self, library_id: str, encoder: EncoderInfo) -> Path:
        return self.folder / library_id / encoder.id


def _identity(library_id: str, encoder: EncoderInfo) -> str:
    """Library, encoder row and artifact: ids are given by a database, so another database is noticed too."""
    return f"{library_id} {encoder.id} {encoder.digest}"
