"""What the service asks of the outside world, beside the database.

Every implementation passes the contract suite of its port. Methods of a store may raise ``StorageUnavailable``.
"""

from collections.abc import Callable, Mapping
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
    """What an index found, best first, ties by number. ``scores`` are exact inner products (float32)."""

    numbers: Numbers
    scores: Vectors
    exact: bool
    allowed: int


class Searchable(Protocol):
    """Whole-track vectors that can be asked."""

    def __len__(self) -> int: ...
    def search(self, query: Vectors, k: int, allowed: Numbers | None = None) -> Hits:
        """The k best inner products with a (D,) query; its zero spaces cost nothing.

        ``allowed`` limits the result to these numbers. Fewer than k come back only if fewer are there.
        """

    def vectors(self, numbers: Numbers) -> Vectors:
        """(N, D) stored vectors; zeros for an unknown number."""

    def numbers(self) -> Numbers:
        """All stored numbers, ascending."""


class VectorIndex(Searchable, Protocol):
    """The whole-track vectors of one (library, encoder)."""

    def add(self, numbers: Numbers, vectors: Vectors) -> None:
        """Store (N, D) vectors; a number that is there is replaced. Raises ``ValueError`` on shape or NaN."""

    def remove(self, numbers: Numbers) -> None:
        """Forget; unknown numbers are ignored."""

    def snapshot(self, folder: Path, *, seq: int, identity: str) -> None:
        """Write to disk, atomically, with the change number and identity (library and encoder digest)."""

    def restore(self, folder: Path, *, identity: str) -> int:
        """Load and return the change number. Raises ``IndexCorrupt``."""

    def stats(self) -> Mapping[str, int | float | str]: ...


IndexFactory = Callable[[EncoderInfo], VectorIndex]


class WorkerSupervisor(Protocol):
    """The embedded worker, seen from outside."""

    def start(self) -> None: ...
    def close(self) -> None: ...
    def trouble(self) -> str | None:
        """Why no worker runs at the moment; ``None`` when one does."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The outside world. ``worker`` is ``None`` where workers are started by somebody else."""

    database: Database
    store: AudioStore
    probe: AudioProbe
    doorbell: Doorbell
    new_index: IndexFactory
    worker: WorkerSupervisor | None = None
