"""What the service asks of the outside world, beside the database.

Every implementation passes the contract suite of its port. Methods of a store may raise ``StorageUnavailable``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from app.database import Database, Numbers
from app.domain import EncoderInfo, Metadata, Vectors


class AudioStore(Protocol):
    """Audio bytes by key. A key once committed is complete: never half a file."""

    def create(self) -> "AudioWriter":
        """Start a new object under a temporary name."""

    def open(self, key: str) -> BinaryIO:
        """A seekable reader. Raises ``NotFound``."""

    def size(self, key: str) -> int: ...
    def delete(self, key: str) -> None:
        """Remove; silent if it is not there."""

    def ping(self) -> None:
        """Raise ``StorageUnavailable`` unless one can write."""


class AudioWriter(Protocol):
    """Bytes on their way into the store. Leaving without ``commit`` removes them."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...
    def write(self, data: bytes) -> None:
        """Append. Raises ``StorageFull``."""

    def local_path(self) -> Path:
        """A local file with the bytes so far, flushed, for probing."""

    def commit(self, key: str) -> None:
        """Make the bytes durable under the key."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a short look into a file found."""

    content_type: str
    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float | None
    metadata: Metadata


class AudioProbe(Protocol):
    """Decides whether bytes are audio by decoding their beginning, outside this process."""

    def probe(self, path: Path) -> Probe:
        """Look into the file. Raises ``AudioRefused`` with the reason."""

    def close(self) -> None: ...


class Doorbell(Protocol):
    """Wakes sleeping workers. A lost ring costs a polling interval, never a job."""

    @property
    def errors(self) -> int:
        """How often it could not be used."""

    def ring(self) -> None:
        """Never raises and never blocks for long."""

    def wait(self, timeout_s: float) -> None:
        """Return when it rang or after the time, sometimes before."""

    def ping(self) -> None:
        """Raise ``Transient`` unless the bell works."""


@dataclass(frozen=True, slots=True)
class Hits:
    """What an index found, best first.

    Attributes:
        numbers: (K,) ties ascending.
        scores: (K,) exact inner products with the stored vectors (float32).
        exact: Whether no candidate can have been missed.
        allowed: How many tracks could have been found.
        recall: Share of the true best that answers like this one hold, as measured; 1 where it is exact.
    """

    numbers: Numbers
    scores: Vectors
    exact: bool
    allowed: int
    recall: float = 1.0


class Searchable(Protocol):
    """Whole-track vectors that can be asked."""

    def __len__(self) -> int: ...
    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        """The k best inner products with a (D,) query; its zero spaces cost nothing.

        ``allowed`` limits the result to these numbers. Fewer than k come back only if fewer are there.
        """

    def search_many(self, queries: Vectors, k: int, allowed: Numbers | None = None) -> Sequence[Hits]:
        """What ``search`` finds for each of (Q, D) queries, at less cost together where that is possible."""

    def vectors(self, numbers: Numbers) -> Vectors:
        """(N, D) vectors as they are stored; zeros for an unknown number."""

    def numbers(self) -> Numbers:
        """All stored numbers, ascending."""


class VectorIndex(Searchable, Protocol):
    """The whole-track vectors of one (library, encoder), in half precision.

    Any number of threads may search; they see a write whole or not at all. Of unit vectors, half precision moves a
    score by some 1e-5.
    """

    def add(self, numbers: Numbers, vectors: Vectors) -> None:
        """Store (N, D) vectors, rounded to half precision; a number that is there is replaced.

        Raises:
            ValueError: Shape, NaN, or a value beyond half precision; nothing is changed.
        """

    def improve(self, is_stopped: Callable[[], bool] = lambda: False) -> bool:
        """Build whatever makes searches faster at the present size, and put it to use; return whether it did.

        May take minutes. Searches and writes go on meanwhile, and see no gap. It gives up soon once it is stopped.
        """

    def remove(self, numbers: Numbers) -> None:
        """Forget; unknown numbers are ignored."""

    def snapshot(self, folder: Path, *, seq: int, identity: str) -> None:
        """Write to disk, atomically, with the change number and identity (library and encoder digest)."""

    def restore(self, folder: Path, *, identity: str) -> int:
        """Load and return the change number. Raises ``IndexCorrupt``."""

    def discard(self) -> None:
        """Give back all that is held, wherever it lies, also by others of this library and encoder.

        Silent where there is nothing. What is left is an empty index.
        """

    def stats(self) -> Mapping[str, int | float | str]: ...


IndexFactory = Callable[[str, EncoderInfo], VectorIndex]
"""Makes an empty index for a library (by id) and an encoder."""


class WorkerSupervisor(Protocol):
    """The embedded worker, seen from outside."""

    def start(self) -> None: ...
    def close(self) -> None: ...
    def trouble(self) -> str | None:
        """Why no worker runs at the moment; ``None`` when one does."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to a caller.

    Attributes:
        granted: Whether this request may go on.
        limit: Requests a minute.
        remaining: How many more would be granted now.
        reset_s: Seconds until more are.
    """

    granted: bool
    limit: int
    remaining: int
    reset_s: float


class RateLimiter(Protocol):
    """Counts per subject over a sliding minute. Whatever it counts with may be away: it grants everything then."""

    def take(self, subject: str, limit: int) -> Allowance:
        """Count one, unless ``limit`` (at least 1) were counted within the last minute. Never raises."""

    def look(self, subject: str, limit: int) -> Allowance:
        """Return what ``take`` would, without counting."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class NotTaken:
    """Why a message was not taken.

    Attributes:
        reason: A sentence for people.
        away: The receiver was not reached or did not answer in time, so that another message would fare no better.
    """

    reason: str
    away: bool = False


class WebhookSender(Protocol):
    """Tells other services, by a signed message, what has happened here."""

    def check(self, url: str) -> None:
        """Raise ``InvalidRequest``, with what to do, unless messages may be sent there. May look its name up."""

    def send(self, url: str, body: str, *, secret: str, delivery_id: str) -> NotTaken | None:
        """Send one message once; return why it was not taken, ``None`` where it was. Takes seconds at most.

        Args:
            url: Of the receiver, checked anew.
            body: JSON, sent and signed as it stands.
            secret: Signs.
            delivery_id: The same each time that the message is sent.
        """


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world. ``worker`` is ``None`` where workers are started by somebody else."""

    database: Database
    store: AudioStore
    probe: AudioProbe
    doorbell: Doorbell
    new_index: IndexFactory
    limiter: RateLimiter
    sender: WebhookSender
    worker: WorkerSupervisor | None = None
