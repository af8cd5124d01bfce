"""Maps of a catalogue: asking for one, and what is shown of it."""

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from weakref import WeakValueDictionary

import numpy as np

from app.catalogue_map import CatalogueMap, Clusters, Drawing, MapRequest, MapState, MapTrack, Numbers
from app.database import Database, Transaction
from app.domain import ChangeKind, EncoderInfo, EncoderState, Job, JobKind, JobState, Priority, Vectors, new_id
from app.errors import Conflict, Fault, InvalidRequest, NotEmbedded, NotFound
from app.ports import Doorbell
from app.services.changes_since import changes_since
from app.services.encoders import find_encoder

MOST_MAPS = 20
"""A library keeps so many: that which was asked for longest ago makes room."""

_REMEMBERED = 8
"""Pictures kept in memory, of all libraries."""

_FOLLOWED = 1000
"""After more changes than that a picture is made anew whatever those were."""

_SHOWN = {
    ChangeKind.TRACK_ADDED,
    ChangeKind.TRACK_UPDATED,
    ChangeKind.TRACK_EMBEDDED,
    ChangeKind.TRACK_FAILED,
    ChangeKind.TRACK_DELETED,
}


@dataclass(frozen=True, slots=True)
class MapExtent:
    """What a map shows of the catalogue as that is now.

    Attributes:
        tracks: How many it shows.
        behind: How many have come or gone since it was drawn, of those that it would show.
        stale: Whether drawing it anew would make another map.
        left_out: How many more there were than a map shows.
    """

    tracks: int
    behind: int
    stale: bool
    left_out: int


_UNDRAWN = MapExtent(0, 0, stale=False, left_out=0)


@dataclass(frozen=True, slots=True)
class MapStanding:
    """A map, and how it stands.

    Attributes:
        map: Which.
        state: What its last job says of it.
        job: The last that was to draw it; ``None`` where the queue has forgotten it.
        extent: What it shows; nothing before it was drawn.
        note: What keeps it from being drawn, for people.
    """

    map: CatalogueMap
    state: MapState
    job: Job | None
    extent: MapExtent
    note: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What is to be seen of a map, without the tracks that are gone.

    Attributes:
        drawing: As it was drawn.
        tracks: The N that are still there.
        positions: (N, 2) theirs.
        clusters: (N,) theirs.
        embedded: Numbers of the tracks that a map drawn now could show, ascending.
        made: What those who show it make of it and want to keep with it.
    """

    drawing: Drawing
    tracks: Sequence[MapTrack]
    positions: Vectors
    clusters: Clusters
    embedded: Numbers
    made: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A picture with the last change that it takes account of, and what it is of."""

    seq: int
    drawn_at: datetime | None
    encoder_id: str
    picture: Picture


class MapService:
    """Asks for maps and shows them. Used by many threads at once."""

    def __init__(self, database: Database, doorbell: Doorbell) -> None:
        self._database = database
        self._doorbell = doorbell
        self._pictures: OrderedDict[str, _Remembered] = OrderedDict()
        self._lock = threading.Lock()
        self._making: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def ask(
        self,
        library_id: str,
        encoder: str | None,
        weights: Mapping[str, float] | None,
        request_id: str | None = None,
    ) -> tuple[MapStanding, Job]:
        """Have a map drawn, for the first time or anew; while it is being drawn, that job is the answer.

        Raises:
            NotFound: There is no such encoder.
            InvalidRequest: Everything that is wrong with the weights.
            Conflict: The library is empty.
            NotEmbedded: The encoder has made no vectors of it yet.
        """
        with self._database.transaction() as tx:
            info, request = _request(tx, encoder, weights)
            _must_have_vectors(tx, library_id, info)
            asked = tx.maps.ask(library_id, request, info.id)
            job = _last_job(tx, asked)
            if job is None or job.state.is_final:
                job = tx.queue.enqueue(
                    Job(new_id(), library_id, JobKind.MAP, asked.id, Priority.MAP, request_id=request_id)
                )
            _make_room(tx, library_id)
            standing = _standing(tx, asked, _extent(tx, asked, info))
        self._doorbell.ring()
        return standing, job

    def show(
        self, library_id: str, encoder: str | None, weights: Mapping[str, float] | None
    ) -> tuple[MapStanding, Picture | None]:
        """Return a map, and what is to be seen of it: ``None`` until it has been drawn.

        Raises:
            NotFound: There is no such encoder, or nobody has asked for this map.
            InvalidRequest: Everything that is wrong with the weights.
        """
        with self._database.transaction(read_only=True) as tx:
            info, asked = _asked(tx, library_id, encoder, weights)
            picture = self._known(tx, asked, info)
            if picture is not None or asked.drawn_at is None:
                return _shown(tx, asked, info, picture)
        with self._maker(asked.id), self._database.transaction(read_only=True) as tx:
            info, asked = _asked(tx, library_id, encoder, weights)
            picture = self._known(tx, asked, info) or self._made(tx, asked, info)
            return _shown(tx, asked, info, picture)

    def standings(self, library_id: str) -> Sequence[MapStanding]:
        """Return every map of the library, the one asked for last first."""
        with self._database.transaction(read_only=True) as tx:
            ready = {info.name: info for info in tx.catalogue.encoders() if info.state is EncoderState.READY}
            return [
                _standing(tx, asked, _extent(tx, asked, ready.get(asked.request.encoder)))
                for asked in tx.maps.maps(library_id)
            ]

    def _maker(self, map_id: str) -> threading.Lock:
        """Return the lock of who makes the picture; to be taken outside of transactions: others wait for it."""
        with self._lock:
            return self._making.setdefault(map_id, threading.Lock())

    def _known(self, tx: Transaction, asked: CatalogueMap, info: EncoderInfo) -> Picture | None:
        """Return what is remembered if it is still true."""
        last = tx.changes.last_seq()
        known = self._pictures.get(asked.id)
        if known is None or not _is_true(tx, known, asked, info, last):
            return None
        self._remember(asked.id, replace(known, seq=last))
        return known.picture

    def _made(self, tx: Transaction, asked: CatalogueMap, info: EncoderInfo) -> Picture | None:
        """Make it anew; ``None`` before the map was drawn."""
        picture = _new_picture(tx, asked, info)
        if picture is not None:
            self._remember(asked.id, _Remembered(tx.changes.last_seq(), asked.drawn_at, info.id, picture))
        return picture

    def _remember(self, map_id: str, known: _Remembered) -> None:
        with self._lock:
            self._pictures[map_id] = known
            self._pictures.move_to_end(map_id)
            while len(self._pictures) > _REMEMBERED:
                self._pictures.popitem(last=False)


def _asked(
    tx: Transaction, library_id: str, encoder: str | None, weights: Mapping[str, float] | None
) -> tuple[EncoderInfo, CatalogueMap]:
    info, request = _request(tx, encoder, weights)
    asked = tx.maps.find(library_id, request)
    if asked is None:
        raise NotFound(
            "No map of this encoder and these weights was ever asked for: POST the same to /v1/map to have it "
            "drawn."
        )
    return info, asked


def _shown(
    tx: Transaction, asked: CatalogueMap, info: EncoderInfo, picture: Picture | None
) -> tuple[MapStanding, Picture | None]:
    extent = _UNDRAWN
    if picture is not None:
        extent = _extent_of(asked, info, picture.drawing, picture.embedded, len(picture.tracks))
    return _standing(tx, asked, extent), picture


def _request(
    tx: Transaction, encoder: str | None, weights: Mapping[str, float] | None
) -> tuple[EncoderInfo, MapRequest]:
    info = find_encoder(tx, encoder)
    if weights is not None and (faults := _weight_faults(weights, info)):
        raise InvalidRequest("; ".join(fault.message for fault in faults), faults)
    return info, MapRequest.of(info, weights)


def _weight_faults(weights: Mapping[str, float], info: EncoderInfo) -> list[Fault]:
    known = [space.name for space in info.spaces]
    faults = []
    for name, weight in weights.items():
        if name not in known:
            message = f"There is no space {name!r:.100}; the spaces of {info.name!r} are {', '.join(known)}."
        elif not math.isfinite(weight):
            message = f"The weight is {weight}; it must be a finite number."
        elif weight < 0:
            message = f"The weight is {weight:g}; a map has no contrast, so 0 is the least: it leaves a space out."
        else:
            continue
        faults.append(Fault(f"weights.{name}", message))
    if not faults and not any(weights.values()):
        faults.append(Fault("weights", f"All weights are zero; weigh at least one of {', '.join(known)}."))
    return faults


def _must_have_vectors(tx: Transaction, library_id: str, info: EncoderInfo) -> None:
    if any(len(numbers) for numbers, _ in tx.catalogue.all_vectors(library_id, info.id, batch=1)):
        return  # the first one tells: counting a million takes seconds
    if not sum(tx.catalogue.count_tracks(library_id).values()):
        raise Conflict("The library is empty, so there is nothing to draw a map of: upload tracks first.")
    raise NotEmbedded(
        f"No track of the library has vectors by the encoder {info.name!r} yet: wait for the jobs that embed them "
        "(GET /v1/jobs), or name another encoder (GET /v1/encoders says how far each has come)."
    )


def _last_job(tx: Transaction, asked: CatalogueMap) -> Job | None:
    jobs, _ = tx.queue.jobs(asked.library_id, subject=asked.id, limit=1)
    return jobs[0] if jobs else None


def _make_room(tx: Transaction, library_id: str) -> None:
    for each in tx.maps.maps(library_id)[MOST_MAPS:]:
        job = _last_job(tx, each)
        if job is None or job.state.is_final:
            tx.maps.forget(each.id)


def _standing(tx: Transaction, asked: CatalogueMap, extent: MapExtent) -> MapStanding:
    job = _last_job(tx, asked)
    return MapStanding(asked, _state(asked, job), job, extent, _note(tx, job))


def _extent(tx: Transaction, asked: CatalogueMap, info: EncoderInfo | None) -> MapExtent:
    """Look at numbers only, not at the tracks themselves."""
    drawing = tx.maps.drawing(asked.id)
    if drawing is None:
        return _UNDRAWN
    there = tx.maps.embedded(asked.library_id, asked.encoder_id)
    shown = len(np.intersect1d(drawing.numbers, there, assume_unique=True))
    if info is not None and info.id != asked.encoder_id:
        there = tx.maps.embedded(asked.library_id, info.id)
    return _extent_of(asked, info, drawing, there, shown)


def _extent_of(
    asked: CatalogueMap, info: EncoderInfo | None, drawing: Drawing, embedded: Numbers, shown: int
) -> MapExtent:
    come = len(np.setdiff1d(embedded, drawing.numbers, assume_unique=True)) - drawing.left_out
    gone = len(np.setdiff1d(drawing.numbers, embedded, assume_unique=True))
    behind = max(0, come) + gone
    is_of_another = info is None or info.id != asked.encoder_id
    return MapExtent(shown, behind, stale=behind > 0 or is_of_another, left_out=drawing.left_out)


def _state(asked: CatalogueMap, job: Job | None) -> MapState:
    if job is not None and not job.state.is_final:
        return MapState.DRAWING
    if job is not None and job.state is JobState.FAILED:
        return MapState.FAILED
    return MapState.FAILED if asked.drawn_at is None else MapState.READY


def _note(tx: Transaction, job: Job | None) -> str | None:
    waits = job is not None and job.state is JobState.QUEUED
    if waits and not any(worker.alive for worker in tx.queue.workers()):
        return "No worker is alive: the map waits until one is started (python -m workers, or soundkin serve)."
    return None


def _is_true(tx: Transaction, known: _Remembered, asked: CatalogueMap, info: EncoderInfo, last: int) -> bool:
    """Whether the map is still the one that was drawn, and nothing of its tracks has changed."""
    if (known.drawn_at, known.encoder_id) != (asked.drawn_at, info.id):
        return False
    changes = changes_since(tx, known.seq, last, _FOLLOWED)
    return changes is not None and not any(
        change.kind in _SHOWN and change.library_id == asked.library_id for change in changes
    )


def _new_picture(tx: Transaction, asked: CatalogueMap, info: EncoderInfo) -> Picture | None:
    drawing = tx.maps.drawing(asked.id)
    if drawing is None:
        return None
    places = {number: place for place, number in enumerate(drawing.numbers.tolist())}
    tracks = tx.maps.tracks(asked.library_id, places)
    rows = [places[track.number] for track in tracks]
    embedded = tx.maps.embedded(asked.library_id, info.id)
    return Picture(drawing, tracks, drawing.positions[rows], drawing.clusters[rows], embedded)
