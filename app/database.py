"""The database as the service sees it: units of work over catalogue, job queue and change log.

Every implementation passes the contract suites. All methods may raise ``DatabaseUnavailable``. Times are UTC and
come from the database's clock where they decide who owns what.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.briefs import Briefs
from app.catalogue_map import Maps
from app.domain import (
    Analysis,
    Calibration,
    Change,
    ChangeKind,
    Embedding,
    EncoderInfo,
    Job,
    JobState,
    Library,
    Metadata,
    QueueDepth,
    Tally,
    Track,
    TrackState,
    Vectors,
    WorkerInfo,
)
from app.filters import Filter
from app.keys import ApiKey, Session
from app.weightings import Weightings

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing. ``cursor`` is opaque text, ``None`` at the end."""

    items: Sequence[Track]
    next_cursor: str | None


class Catalogue(Protocol):
    """Libraries, tracks, encoders and vectors, within one transaction."""

    def add_library(self, library: Library) -> None: ...
    def libraries(self) -> Sequence[Library]: ...

    def add_track(self, track: Track) -> Track:
        """Store a new track and return it with its ``number``.

        Raises:
            Conflict: The library already has a track (not clip) of these bytes.
        """

    def track(self, library_id: str, track_id: str, *, hold: bool = False) -> Track:
        """Return a track or clip; with ``hold`` nobody else changes or deletes it until the transaction ends.

        Raises:
            NotFound: Also for text that is not an id.
        """

    def track_by_sha256(self, library_id: str, sha256: str) -> Track | None:
        """Return the catalogue's track (never a clip) of these bytes."""

    def tracks_by_number(self, library_id: str, numbers: Iterable[int]) -> dict[int, Track]:
        """Return the tracks that still exist, keyed by number."""

    def artists_by_number(self, library_id: str, numbers: Iterable[int]) -> dict[int, str | None]:
        """Return the artists of the tracks that still exist, keyed by number; much quicker than the tracks."""

    def list_tracks(
        self,
        library_id: str,
        *,
        where: Filter | None = None,
        text: str | None = None,
        state: TrackState | None = None,
        sort: str = "-created_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """List catalogue tracks (no clips).

        Args:
            library_id: Whose tracks.
            where: Only those for which it holds.
            text: Only those whose title, artist or album contains it, ignoring case.
            state: Only those in this state.
            sort: A field of ``filters.FIELDS`` (not tags), ``-`` before it for descending; ties by id.
            limit: At most so many.
            cursor: Where the last page ended, of the same listing.

        Raises:
            InvalidRequest: Unknown field in the filter or sort, a value of the wrong type, or a bad cursor.
        """

    def allowed_numbers(self, library_id: str, where: Filter, among: Iterable[int] | None = None) -> Numbers:
        """Numbers of the catalogue's tracks (no clips) for which the filter holds, ascending; only among those."""

    def allowed_by_each(self, library_id: str, wheres: Sequence[Filter]) -> Sequence[Numbers]:
        """Return ``allowed_numbers`` of each filter; quicker than one after the other."""

    def count_tags(self, library_id: str, limit: int = 200) -> Mapping[str, int]:
        """Return how many catalogue tracks carry each tag of ``all_tags``, folded, the commonest first."""

    def update_metadata(self, library_id: str, track_id: str, metadata: Metadata) -> Track: ...
    def save_heard(self, heard: Mapping[int, Mapping[str, float]]) -> Collection[int]:
        """Store what is heard in tracks, by number, in place of what was; return those whose tags are others now.

        Tracks that are gone are passed over.
        """

    def forget_heard(self) -> None:
        """Have every track listened to anew: ``unheard`` returns it until then, and its tags stay as they are."""

    def unheard(self, limit: int = 100) -> Sequence[Track]:
        """READY tracks (no clips) of any library that nobody has listened to for tags yet, ascending by number.

        A writing transaction keeps them from every other until it ends, and passes over those that another keeps.
        """

    def set_state(self, track_id: str, state: TrackState) -> None: ...
    def set_audio_key(self, track_id: str, key: str | None) -> None: ...

    def delete_track(self, library_id: str, track_id: str) -> Track:
        """Remove the track or clip with its vectors and jobs, and what briefs know of it; return what it was."""

    def expired_clips(self, now: datetime, limit: int = 100) -> Sequence[Track]:
        """Clips whose time is over; not those that a brief refers to, which stay for as long as it does."""

    def delete_expired_clip(self, library_id: str, clip_id: str, now: datetime) -> Track | None:
        """Remove one of the ``expired_clips`` and return what it was; ``None`` where it is none (any more)."""

    def count_tracks(self, library_id: str) -> Mapping[TrackState, int]: ...

    def announce_encoder(self, encoder: EncoderInfo) -> EncoderInfo:
        """Store an encoder that a worker brought, or return the row that has its name and digest, with its tags.

        The first of a name becomes READY, a later digest SHADOW. The first encoder of all becomes the default.
        """

    def encoders(self) -> Sequence[EncoderInfo]: ...
    def promote_encoder(self, encoder_id: str, *, default: bool) -> None:
        """Make it READY, retire the READY one of the same name; with ``default`` searches use it."""

    def save_analysis(self, track_id: str, analysis: Analysis) -> None: ...
    def save_embedding(self, track_id: str, embedding: Embedding) -> None:
        """Store or replace the vectors. Raises ``NotFound`` if the track was deleted meanwhile."""

    def save_waveform(self, track_id: str, peaks: bytes) -> None:
        """Store or replace the picture of a track's or clip's sound: peaks of equal parts, 255 is full scale.

        Raises ``NotFound`` if it was deleted meanwhile.
        """

    def waveform(self, track_id: str) -> bytes:
        """Return the picture of the sound. Raises ``NotFound`` where nobody has made one."""

    def embedding(self, track_id: str, encoder_id: str) -> Embedding:
        """Return the vectors. Raises ``NotEmbedded``."""

    def embeddings_by_number(self, encoder_id: str, numbers: Iterable[int]) -> dict[int, Embedding]:
        """Return the vectors of those tracks that have them, keyed by number."""

    def vectors(self, encoder_id: str, numbers: Iterable[int]) -> tuple[Numbers, Vectors]:
        """Whole-track vectors (N, D) of those catalogue tracks (no clips) that have them, ascending."""

    def all_vectors(
        self, library_id: str, encoder_id: str, *, batch: int = 4096
    ) -> Iterator[tuple[Numbers, Vectors]]:
        """Every whole-track vector of the library's catalogue (no clips), in batches, ascending by number."""

    def count_embedded(self, library_id: str, encoder_id: str) -> int: ...
    def tracks_without_vectors(self, encoder_ids: Sequence[str], limit: int = 100) -> Sequence[Track]:
        """Not-failed tracks with audio that lack vectors of one of the encoders, for no known reason.

        Left out are those whose newest job waits or runs, or was given up: that it fails again is more likely than
        not, so people decide on a retry.
        """

    def save_calibration(self, calibration: Calibration) -> None: ...
    def calibration(self, library_id: str, encoder_id: str) -> Calibration | None: ...

    def add_key(self, key: ApiKey) -> None: ...
    def keys(self, library_id: str) -> Sequence[ApiKey]: ...
    def key_by_hash(self, secret_sha256: str) -> ApiKey | None: ...
    def count_keys(self) -> int: ...
    def delete_key(self, library_id: str, key_id: str) -> None:
        """Delete a key; nobody else deletes any before the commit, so that what is counted then is what is left."""


class JobQueue(Protocol):
    """The lease queue of docs/decisions/0002, within one transaction."""

    def enqueue(self, job: Job) -> Job: ...
    def job(self, library_id: str, job_id: str) -> Job:
        """Return a job. Raises ``NotFound``, also for text that is not an id."""

    def jobs(
        self,
        library_id: str,
        *,
        state: JobState | None = None,
        subject: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[Sequence[Job], str | None]:
        """Newest first, with the cursor of the next page. Raises ``InvalidRequest`` for a bad cursor."""

    def register(self, worker: WorkerInfo, lease: timedelta) -> None: ...
    def leave(self, worker_id: str) -> None:
        """Declare this worker gone; what it was still working on is queued again, not counted against it."""

    def retire_siblings(self, worker_id: str, host: str) -> Sequence[Job]:
        """Declare every other worker of this host dead; requeue and return their jobs, as losses."""

    def claim(self, worker_id: str, *, limit: int, deadline: timedelta, max_priority: int = 9) -> Sequence[Job]:
        """Take the next due jobs, by priority then age, each with a fresh token.

        A job that must run alone comes only to a worker without any other, and nothing comes beside it; one that
        is next holds back what stands behind it. A worker has one map in hand at most, and what is behind the next
        one does not wait for it. Nothing for a dead or expired worker.
        """

    def beat(self, worker_id: str, lease: timedelta, running: Iterable[str]) -> Sequence[str]:
        """Renew the lease; give back this worker's running jobs that are not in ``running`` (job ids).

        Returns:
            Ids in ``running`` that are no longer this worker's (cancelled, reaped, deleted): stop them.

        Raises:
            LeaseLost: The worker was declared dead; it must register under a new id.
        """

    def progress(self, job_id: str, token: str, stage: str, fraction: float) -> bool:
        """Note progress; ``False`` when the job is no longer the caller's."""

    def finish(self, job_id: str, token: str) -> Job:
        """Mark done. Raises ``LeaseLost`` when the token is not current: roll back and drop the result."""

    def fail(self, job_id: str, token: str, *, code: str, message: str, retry: bool) -> Job:
        """Note an error. With ``retry``: queued again with backoff, until attempts are used up."""

    def give_back(self, job_id: str, token: str) -> None:
        """Queue again, not counted against it (drain)."""

    def crashed(self, job_id: str, token: str, message: str) -> Job:
        """The process working on it died: one more crash; buried at the third."""

    def reap(self) -> Sequence[Job]:
        """Requeue and return the running jobs without a living worker, as losses. Level-triggered.

        To be called only by who has itself renewed without error for a whole lease: after an outage of the
        database everybody looks dead.
        """

    def cancel(self, library_id: str, job_id: str) -> Job:
        """Cancel. Raises ``Conflict`` if it has ended."""

    def retry(self, library_id: str, job_id: str) -> Job:
        """Queue a failed or cancelled job again, its counters at zero. Raises ``Conflict`` otherwise."""

    def depth(self, library_id: str | None = None) -> Sequence[QueueDepth]:
        """Jobs that have not ended, of one library or of all."""

    def count_waiting(self, *, max_priority: int, min_priority: int = 0) -> int: ...
    def workers(self) -> Sequence[WorkerInfo]: ...

    def tally(self, tallies: Iterable[Tally]) -> None:
        """Add to the running totals of all workers."""

    def tallies(self) -> Sequence[Tally]:
        """The running totals, by name."""


class ChangeLog(Protocol):
    """What happened, numbered in commit order, within one transaction."""

    def append(self, library_id: str, kind: ChangeKind, subject: str, number: int | None = None) -> None:
        """Write a row. The numbers are taken at commit, so that order of numbers is order of commits."""

    def after(self, seq: int, *, library_id: str | None = None, limit: int = 1000) -> Sequence[Change]: ...
    def last_seq(self) -> int: ...
    def forget(self, before: datetime, *, limit: int = 10_000) -> int:
        """Remove the oldest rows, at most ``limit``, up to the first that is not older; return how many those were.

        What is kept has no gap: a follower whose next number is missing was away for too long.
        """


class Sessions(Protocol):
    """Browsers that were shown a key, within one transaction."""

    def add(self, session: Session) -> None: ...
    def find(self, token_sha256: str) -> Session | None:
        """Return the session of this token, also one whose time is over."""

    def remove(self, token_sha256: str) -> None:
        """Forget it; silent if it is not there."""

    def remove_expired(self, now: datetime) -> int:
        """Forget those whose time is over; return how many those were."""


class Transaction(Protocol):
    """One unit of work: all of it is stored, or none."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def queue(self) -> JobQueue: ...
    @property
    def changes(self) -> ChangeLog: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def weightings(self) -> Weightings: ...
    @property
    def maps(self) -> Maps: ...
    @property
    def briefs(self) -> Briefs: ...


class Database(Protocol):
    """Gives out transactions: committed when the block ends, rolled back when it raises."""

    def transaction(self, *, read_only: bool = False) -> AbstractContextManager[Transaction]:
        """Begin one. A read-only one never waits for a writer, and writes nothing."""

    def ping(self) -> None:
        """Raise ``DatabaseUnavailable`` unless the database answers."""

    def tidy(self) -> None:
        """Do what keeps queries fast as tables grow; called now and then, and quick where nothing is needed."""

    def close(self) -> None: ...
