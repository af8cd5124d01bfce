"""The error tree of the service.

    SoundkinError
    ├── Transient                  may succeed when tried again: workers retry it, HTTP answers 503
    │   ├── DatabaseUnavailable
    │   ├── IndexUnavailable       the server that holds the vectors did not answer
    │   ├── QueueFull              too many jobs wait: HTTP answers 429 with Retry-After
    │   ├── RateLimited            too many requests from one caller: likewise
    │   └── StorageUnavailable
    │       └── StorageFull        no space left on the device: HTTP answers 507
    └── Permanent                  will fail again: workers bury the job with its reason
        ├── InvalidRequest         one or more faults in what the caller sent
        │   ├── InvalidQuery       a search that cannot be answered as asked
        │   └── AudioRefused       bytes that are not usable audio
        │       └── UploadTooLarge
        ├── NotFound
        ├── NotEmbedded            the track exists, but the encoder has no vector of it yet
        ├── Conflict
        ├── Unauthenticated
        ├── Forbidden
        │   └── TokenMismatch      a write by cookie that does not prove to come from our page
        ├── LeaseLost              the job is no longer this worker's
        ├── IndexCorrupt           a snapshot that cannot be used: it is rebuilt from the database
        └── ConfigurationError

Every message says what came, what was expected and what to do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in the caller's input: where it is and what is wrong with it."""

    place: str
    message: str


class SoundkinError(Exception):
    """Base of every error that Soundkin raises on purpose."""


class Transient(SoundkinError):
    """May succeed when tried again."""


class DatabaseUnavailable(Transient):
    """The database did not answer."""


class IndexUnavailable(Transient):
    """The server that holds the vectors did not answer."""


class QueueFull(Transient):
    """More jobs wait than the limit allows."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class RateLimited(Transient):
    """One caller asks more often than the limit allows."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StorageUnavailable(Transient):
    """The audio store did not answer."""


class StorageFull(StorageUnavailable):
    """No space is left where audio is kept."""


class Permanent(SoundkinError):
    """Will fail again however often it is tried."""


class InvalidRequest(Permanent):
    """The caller's input has one or more faults, all of them named."""

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.faults = tuple(faults)


class InvalidQuery(InvalidRequest):
    """A search that cannot be answered as asked."""


class AudioRefused(InvalidRequest):
    """Bytes that are not audio which Soundkin can use."""


class UploadTooLarge(AudioRefused):
    """More bytes than the limit allows."""


class NotFound(Permanent):
    """Nothing has this id in the caller's library."""


class NotEmbedded(Permanent):
    """The track is there, but the encoder has no vector of it (yet)."""


class Conflict(Permanent):
    """The state of the thing does not allow what was asked."""


class Unauthenticated(Permanent):
    """No key, or one that is not valid."""


class Forbidden(Permanent):
    """The key lacks the scope."""


class TokenMismatch(Forbidden):
    """A write by a session's cookie without the session's CSRF token."""


class LeaseLost(Permanent):
    """The job was given to somebody else; the result must be dropped."""


class IndexCorrupt(Permanent):
    """An index snapshot that is damaged or belongs to another catalogue."""


class ConfigurationError(Permanent):
    """Settings that contradict each other or the machine."""
