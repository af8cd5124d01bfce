"""What a database in memory holds."""

from copy import copy
from dataclasses import dataclass, field, fields
from datetime import datetime

from app.briefs import Brief, Decision, Delivery
from app.catalogue_map import CatalogueMap, Drawing
from app.domain import (
    DEFAULT_LIBRARY,
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
from app.keys import ApiKey, Session
from app.weightings import Weighting


def _default_libraries() -> dict[str, Library]:
    return {DEFAULT_LIBRARY: Library(DEFAULT_LIBRARY, "default")}


@dataclass(slots=True)
class MemoryState:
    """Every row, by id. Values are frozen, so that a copy of the dictionaries is a copy of everything.

    Attributes:
        libraries: Keyed by id, as every dictionary that does not say otherwise.
        tracks: Tracks and clips.
        waveforms: Keyed by track.
        listened: Tracks that have been listened to for tags.
        encoders: In order of announcement.
        embeddings: Keyed by track and encoder.
        calibrations: Keyed by library and encoder.
        keys: Access keys.
        briefs: Stored briefs.
        brief_matches: When a run showed a track of which number, keyed by brief and number; ``None`` if none did.
        decisions: Of briefs, keyed by brief and number of the track.
        deliveries: Messages to webhooks.
        sessions: Keyed by the hash of their token.
        maps: Maps that were asked for.
        drawings: Those that were drawn, keyed by map.
        weightings: Weightings that people keep.
        jobs: Kept by ``MemoryJobQueue``, as are workers and tallies.
        workers: Worker processes.
        tallies: Keyed by name.
        changes: The change log, ascending by number.
        last_seq: The highest ``Change.seq`` ever given.
        last_number: The highest ``Track.number`` ever given.
    """

    libraries: dict[str, Library] = field(default_factory=_default_libraries)
    tracks: dict[str, Track] = field(default_factory=dict)
    waveforms: dict[str, bytes] = field(default_factory=dict)
    listened: dict[str, bool] = field(default_factory=dict)
    encoders: dict[str, EncoderInfo] = field(default_factory=dict)
    embeddings: dict[tuple[str, str], Embedding] = field(default_factory=dict)
    calibrations: dict[tuple[str, str], Calibration] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    briefs: dict[str, Brief] = field(default_factory=dict)
    brief_matches: dict[tuple[str, int], datetime | None] = field(default_factory=dict)
    decisions: dict[tuple[str, int], Decision] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    maps: dict[str, CatalogueMap] = field(default_factory=dict)
    drawings: dict[str, Drawing] = field(default_factory=dict)
    weightings: dict[str, Weighting] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    workers: dict[str, WorkerInfo] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    last_seq: int = 0
    last_number: int = 0

    def copy(self) -> "MemoryState":
        """Return a state that can be changed apart from this one."""
        return MemoryState(**{each.name: copy(getattr(self, each.name)) for each in fields(self)})
