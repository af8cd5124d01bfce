"""Keeping an index of every library and encoder in step with the database."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from app.database import Database, Transaction
from app.domain import Calibration, Change, ChangeKind, EncoderInfo, EncoderState
from app.errors import Conflict, SoundkinError
from app.ports import IndexFactory
from app.services import calibration
from app.services.kept_index import IndexDifference, IndexShelf, KeptIndex, touched

log = structlog.get_logger(__name__)

_BATCH = 1000
"""Changes applied per transaction."""

_IMPROVE_S = 1.0
"""Seconds between two looks at whether an index should be improved, which is soon said where not."""

_REST_S = 600.0
"""One that could not be improved is not tried again for so long."""

_CALIBRATION_SEED = 20_260
"""Every replica draws the same pairs, so that all answer alike."""

_WANTED_CHANGE = {ChangeKind.ENCODER_UPDATED, ChangeKind.LIBRARY_ADDED}

Key = tuple[str, str]
"""Ids of library and encoder."""


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """One index, for people and metrics. ``details`` is ``VectorIndex.stats``."""

    library_id: str
    encoder_id: str
    encoder: str
    tracks: int
    calibrated: bool
    details: Mapping[str, int | float | str]


@dataclass(frozen=True, slots=True)
class KeeperStatus:
    """How far the indexes have come.

    Attributes:
        caught_up: Loaded, and at the end of the change log at least once since the start.
        applied_seq: Last change that is in every index; -1 before they are loaded.
        lag: Changes known of and not applied yet.
        trouble: Why the database could not be followed at the last try; ``None`` when it could.
        silent_s: Seconds since the database was last read.
        indexes: One for each library and encoder.
    """

    caught_up: bool
    applied_seq: int
    lag: int
    trouble: str | None
    silent_s: float
    indexes: Sequence[IndexStatus]


class IndexKeeper:
    """Holds one index per library and (READY or SHADOW) encoder, and follows the change log.

    Only one thread at a time writes: ``catch_up``, ``check``, ``save`` and the swaps of ``rebuild`` wait for each
    other; a second ``rebuild`` is refused. Searches take what ``get`` gives them and never wait for the database.
    """

    def __init__(
        self,
        database: Database,
        factory: IndexFactory,
        snapshot_dir: Path,
        *,
        interval_s: float = 0.2,
        snapshot_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._shelf = IndexShelf(factory, snapshot_dir)
        self._interval_s = interval_s
        self._snapshot_s = snapshot_s
        self._clock = clock
        self._kept: Mapping[Key, KeptIndex] = {}
        self._applied = -1
        self._last = -1
        self._caught_up = False
        self._epoch = 0
        self._resting: dict[Key, float] = {}
        self._trouble: str | None = None
        self._read_at = self._saved_at = clock()
        self._writing = threading.RLock()
        self._rebuilding = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("indexing", self._follow), ("improving", self._improve_on))
        ]

    @property
    def caught_up(self) -> bool:
        """Whether searches see everything that was there at the start."""
        return self._caught_up

    @property
    def applied_seq(self) -> int:
        """The last change that is in every index; -1 before they are loaded."""
        return self._applied

    @property
    def epoch(self) -> int:
        """Counts how often the database was found to be another than it was."""
        return self._epoch

    @property
    def lag(self) -> int:
        """How many changes the database has, as far as is known, that the indexes lack."""
        return max(0, self._last - self._applied)

    def get(self, library_id: str, encoder_id: str) -> KeptIndex | None:
        """Return an index; ``None`` while it is not loaded, or when the library has no vectors by the encoder."""
        return self._kept.get((library_id, encoder_id))

    def status(self) -> KeeperStatus:
        """Say how far the indexes have come."""
        return KeeperStatus(
            caught_up=self._caught_up,
            applied_seq=self._applied,
            lag=self.lag,
            trouble=self._trouble,
            silent_s=self._clock() - self._read_at,
            indexes=[_status_of(kept) for kept in self._kept.values()],
        )

    def start(self) -> None:
        """Begin to follow and to improve, in threads of their own: a large catalogue does not hold up the start."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop following and write what has changed since the last snapshots."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self.save()

    def catch_up(self) -> int:
        """Load what is not loaded and apply the changes since, in order; return how many those were.

        Raises:
            DatabaseUnavailable: The indexes stay as they are and serve.
        """
        with self._writing:
            before = self._applied
            while not self._step():
                pass
            self._caught_up = True
            self._calibrate()
            if self._clock() - self._saved_at >= self._snapshot_s:
                self.save()
            return self._applied - before if before >= 0 else 0

    def save(self) -> None:
        """Write a snapshot of every index that has changed by more than a restart makes up for quickly."""
        with self._writing:
            for kept in self._kept.values():
                self._shelf.save(kept)
            self._saved_at = self._clock()

    def check(self) -> Sequence[IndexDifference]:
        """Compare every index with the database, at one moment; return what differs."""
        with self._writing, self._database.transaction(read_only=True) as tx:
            while not self._apply(tx):
                pass
            differences = [kept.compare(tx.catalogue) for kept in self._kept.values()]
        return [difference for difference in differences if difference]

    def rebuild(self) -> None:
        """Build every index anew from the database, as fast as it will be, beside the one that serves, and swap.

        Raises:
            Conflict: That is under way.
        """
        if not self._rebuilding.acquire(blocking=False):
            raise Conflict(
                "The indexes of this replica are being built anew already, and that goes on whether or not anybody "
                "waits for it. Ask again when it is done."
            )
        try:
            self._rebuild()
        finally:
            self._rebuilding.release()

    def _rebuild(self) -> None:
        for key, kept in self._kept.items():
            with self._database.transaction(read_only=True) as tx:
                fresh = self._shelf.build(tx, kept.library_id, kept.encoder)
            fresh.improve(self._stop.is_set)
            with self._writing:
                self._swap(key, fresh)

    def _swap(self, key: Key, fresh: KeptIndex) -> None:
        if key not in self._kept:
            self._shelf.discard(fresh)
            return
        self._kept = {**self._kept, key: fresh}
        self._applied = min(self._applied, fresh.seq)
        self.catch_up()

    def improve(self) -> None:
        """Let every index build what makes searches faster at its present size. Searches and writes go on."""
        for key, kept in self._kept.items():
            if self._clock() < self._resting.get(key, 0.0):
                continue
            try:
                kept.improve(self._stop.is_set)
            except Exception:
                log.exception("an index cannot be improved; it serves as it is", library=kept.library_id)
                self._resting[key] = self._clock() + _REST_S

    def _improve_on(self) -> None:
        while not self._stop.wait(_IMPROVE_S):
            self.improve()

    def _follow(self) -> None:
        while True:
            self._round()
            if self._stop.wait(self._interval_s):
                return

    def _round(self) -> None:
        try:
            self.catch_up()
            self._note(None)
        except SoundkinError as error:
            self._note(str(error))
        except Exception as error:
            log.exception("indexes cannot follow")
            self._note(repr(error))

    def _note(self, trouble: str | None) -> None:
        if trouble != self._trouble:
            log.warning("indexes follow the database", trouble=trouble or "over")
        self._trouble = trouble

    def _step(self) -> bool:
        with self._database.transaction(read_only=True) as tx:
            return self._apply(tx)

    def _apply(self, tx: Transaction) -> bool:
        """Apply the next batch of changes; return whether that was all."""
        last = tx.changes.last_seq()
        if last < self._applied:
            log.warning("the database was replaced by an older one: its indexes are built anew", seq=last)
            self._kept, self._applied = {}, -1
            self._epoch += 1
        if self._applied < 0:
            self._match(tx, self._shelf.open)
            self._clear_retired(tx)
            self._applied = min((kept.seq for kept in self._kept.values()), default=last)
        changes = tx.changes.after(self._applied, limit=_BATCH)
        if last > self._applied and (not changes or changes[0].seq != self._applied + 1):
            self._start_over(tx, last)
            changes = ()
        self._apply_changes(tx, changes)
        self._last, self._read_at = last, self._clock()
        if len(changes) < _BATCH:
            self._count_restored(tx)
        return len(changes) < _BATCH

    def _start_over(self, tx: Transaction, last: int) -> None:
        """Build every index anew: the log does not go back to where they stand (``ChangeLog.forget``)."""
        log.info("indexes were behind the change log for too long: they are built anew", applied=self._applied)
        self._kept = {key: self._shelf.build(tx, key[0], kept.encoder) for key, kept in self._kept.items()}
        self._match(tx, self._shelf.build)
        self._applied = last

    def _count_restored(self, tx: Transaction) -> None:
        """Notice a snapshot from a time that the database no longer knows (it went back to a backup, and on)."""
        for key, kept in self._kept.items():
            if not kept.is_counted and not kept.count(tx.catalogue):
                self._epoch += 1
                log.warning("restored index does not fit the database: it is built anew", library=kept.library_id)
                self._kept = {**self._kept, key: self._shelf.build(tx, kept.library_id, kept.encoder)}

    def _apply_changes(self, tx: Transaction, changes: Sequence[Change]) -> None:
        if not changes:
            return
        moved = touched(changes)
        if moved or any(change.kind in _WANTED_CHANGE for change in changes):
            self._match(tx, self._shelf.build)
        for kept in self._kept.values():
            if numbers := moved.get(kept.library_id):
                kept.sync(tx.catalogue, numbers)
            kept.seq = max(kept.seq, changes[-1].seq)
        self._applied = changes[-1].seq

    def _match(self, tx: Transaction, make: Callable[[Transaction, str, EncoderInfo], KeptIndex]) -> None:
        """Make the indexes of new libraries and encoders, forget those of retired encoders."""
        wanted = {key: encoder for key, encoder in _pairs(tx) if encoder.state is not EncoderState.RETIRED}
        for key, kept in self._kept.items():
            if key not in wanted:
                self._shelf.discard(kept)
        made = {key: make(tx, key[0], encoder) for key, encoder in wanted.items() if key not in self._kept}
        self._kept = {key: kept for key, kept in self._kept.items() if key in wanted} | made

    def _clear_retired(self, tx: Transaction) -> None:
        """Remove what encoders have left that were retired while nobody followed."""
        for (library_id, _), encoder in _pairs(tx):
            if encoder.state is EncoderState.RETIRED:
                self._shelf.clear(library_id, encoder)

    def _calibrate(self) -> None:
        for kept in self._kept.values():
            if calibration.is_due(kept.calibration, len(kept.index)):
                kept.calibration = self._fresh_calibration(kept)

    def _fresh_calibration(self, kept: KeptIndex) -> Calibration | None:
        """Return what another replica has stored meanwhile, or else measure and store."""
        with self._database.transaction(read_only=True) as tx:
            stored = tx.catalogue.calibration(kept.library_id, kept.encoder.id)
        if not calibration.is_due(stored, len(kept.index)):
            return stored
        generator = np.random.default_rng(_CALIBRATION_SEED)
        measured = calibration.measure(kept.index, kept.encoder, kept.library_id, generator)
        if measured is not None:
            with self._database.transaction() as tx:
                tx.catalogue.save_calibration(measured)
        return measured


def _pairs(tx: Transaction) -> Iterator[tuple[Key, EncoderInfo]]:
    """Every library with every encoder, retired ones too."""
    encoders = tx.catalogue.encoders()
    for library in tx.catalogue.libraries():
        yield from (((library.id, encoder.id), encoder) for encoder in encoders)


def _status_of(kept: KeptIndex) -> IndexStatus:
    return IndexStatus(
        kept.library_id,
        kept.encoder.id,
        kept.encoder.name,
        tracks=len(kept.index),
        calibrated=kept.calibration is not None,
        details=kept.index.stats(),
    )
