"""What a database in memory holds."""

from copy import copy
from dataclasses import dataclass, field, fields

from app.domain import (
    DEFAULT_LIBRARY,
    ApiKey,
    Calibration,
    Change,
    Embedding,
    EncoderInfo,
    Job,
    Library,
    Tally,
    Track,
    WorkerInfo,
)


def _default_libraries() -> dict[str, Library]:
    return {DEFAULT_LIBRARY: Library(DEFAULT_LIBRARY, "default")}


@dataclass(slots=True)
class MemoryState:
    """Every row, by id. Values are frozen, so that a copy of the dictionaries is a copy of everything.

    Attributes:
        libraries: Keyed by id, as every dictionary that does not say otherwise.
        tracks: Tracks and clips.
        encoders: In order of announcement.
        embeddings: Keyed by track and encoder.
        calibrations: Keyed by library and encoder.
        keys: Access keys.
        jobs: Kept by ``MemoryJobQueue``, as are workers and tallies.
        workers: Worker processes.
        tallies: Keyed by name.
        changes: The change log, ascending by number.
        last_seq: The highest ``Change.seq`` ever given.
        last_number: The highest ``Track.number`` ever given.
    """

    libraries: dict[str, Library] = field(default_factory=_default_libraries)
    tracks: dict[str, Track] = field(default_factory=dict)
    encoders: dict[str, EncoderInfo] = field(default_factory=dict)
    embeddings: dict[tuple[str, str], Embedding] = field(default_factory=dict)
    calibrations: dict[tuple[str, str], Calibration] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    workers: dict[str, WorkerInfo] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    last_seq: int = 0
    last_number: int = 0

    def copy(self) -> "MemoryState":
        """Return a state that can be changed apart from this one."""
        return MemoryState(**{each.name: copy(getattr(self, each.name)) for each in fields(self)})
