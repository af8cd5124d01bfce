"""Tracks that come, change and go while a service is searched, and how soon searches know.

What comes is a twin of a track of the catalogue with a name of its own, by which all of it is removed again.
"""

import itertools
import queue
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Self

import httpx
import numpy as np

from app.adapters.sql_database import SqlDatabase
from app.domain import DEFAULT_LIBRARY, ChangeKind, Embedding, Track, Vectors, new_id
from app.filters import OneOf
from benchmarks.search_world import WIDTHS, unit

PER_S = 50

_NAME = "benchmark-arrival"
_JITTER = 0.002
_TURN = ("add", "add", "embed", "remove", "edit") * 2
_WATCHED = 40
"""Of so many changes those of one turn are watched until searches know."""

_LOOK_S = 0.01
_FRESH_S = 0.05
"""What was changed longer ago is not watched any more: the look before took too long."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A new track and the one that it resembles."""

    id: str
    twin: str
    vector: Vectors


@dataclass(frozen=True, slots=True)
class Watched:
    """A change that searches should know of."""

    kind: str
    arrival: Arrival
    since: float

    def is_found(self, client: httpx.Client) -> bool:
        """Whether a search by its twin finds it: among all when it should be gone, else among itself alone."""
        condition = {"field": "id", "equals": self.arrival.id} if self.kind == "add" else None
        body = {"terms": [{"track": self.arrival.twin}], "k": 10, "filter": condition, "explain": False}
        answer = client.post("/v1/search", json=body).raise_for_status()
        return self.arrival.id in {match["track"]["id"] for match in answer.json()["matches"]}


@dataclass(slots=True)
class Sightings:
    """Milliseconds from a change's commit until a search knew, by kind."""

    added_ms: list[float] = field(default_factory=list)
    removed_ms: list[float] = field(default_factory=list)

    def of(self, kind: str) -> list[float]:
        """Those of added or removed tracks."""
        return self.added_ms if kind == "add" else self.removed_ms


def remove_arrivals(url: str) -> int:
    """Remove all that any run has left; return how many."""
    with closing(SqlDatabase(url)) as database, database.transaction() as tx:
        numbers = tx.catalogue.allowed_numbers(DEFAULT_LIBRARY, OneOf("external_id", [_NAME]))
        tracks = tx.catalogue.tracks_by_number(DEFAULT_LIBRARY, numbers.tolist())
        for number, track in tracks.items():
            tx.catalogue.delete_track(DEFAULT_LIBRARY, track.id)
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_DELETED, track.id, number)
    return len(tracks)


class Newcomers:
    """Adds tracks as an upload and its worker do."""

    def __init__(self, database: SqlDatabase, twins: Sequence[Track]) -> None:
        self._database = database
        self._twins = {twin.number: twin for twin in twins}
        with database.transaction(read_only=True) as tx:
            [self._encoder] = tx.catalogue.encoders()
            self._numbers, self._vectors = tx.catalogue.vectors(self._encoder.id, list(self._twins))
        self._generator = np.random.default_rng()

    def add(self) -> Arrival:
        """Add one, searchable once the service has followed."""
        place = int(self._generator.integers(len(self._numbers)))
        twin = self._twins[int(self._numbers[place])]
        arrival = Arrival(new_id(), twin.id, self._near(self._vectors[place]))
        with self._database.transaction() as tx:
            track = tx.catalogue.add_track(_like(twin, arrival.id))
            tx.catalogue.save_embedding(track.id, self._embedding(arrival))
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, track.id, track.number)
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_EMBEDDED, track.id, track.number)
        return arrival

    def embed(self, arrival: Arrival) -> None:
        """Store its vectors anew."""
        with self._database.transaction() as tx:
            track = tx.catalogue.track(DEFAULT_LIBRARY, arrival.id)
            tx.catalogue.save_embedding(track.id, self._embedding(arrival))
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_EMBEDDED, track.id, track.number)

    def _near(self, vector: Vectors) -> Vectors:
        step = _JITTER * self._generator.standard_normal(vector.shape, dtype=np.float32)
        return unit((vector + step)[np.newaxis], WIDTHS)[0]

    def _embedding(self, arrival: Arrival) -> Embedding:
        whole = np.array([[0, 180]], dtype=np.float32)
        return Embedding(self._encoder.id, arrival.vector, whole, arrival.vector[np.newaxis])


def _like(twin: Track, id_: str) -> Track:
    metadata = replace(twin.metadata, external_id=_NAME)
    audio = replace(twin.audio, sha256=secrets.token_hex(32))
    return replace(twin, id=id_, number=0, metadata=metadata, audio=audio)


class Updates:
    """Changes so many tracks a second, until told to stop: adds and embeds by SQL, removes and edits by HTTP."""

    def __init__(self, url: str, newcomers: Newcomers) -> None:
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self._newcomers = newcomers
        self._there = deque(newcomers.add() for _ in range(PER_S))  # long known before they go
        self._stop = threading.Event()
        self._watched: queue.SimpleQueue[Watched | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=work) for work in (self._work, self._watch)]
        self.done = 0
        self.sightings = Sightings()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._client.close()

    def _work(self) -> None:
        try:
            self._change()
        finally:
            self._watched.put(None)

    def _change(self) -> None:
        due = time.perf_counter()
        for turn, kind in enumerate(itertools.cycle(_TURN)):
            if self._stop.wait(max(0.0, due - time.perf_counter())):
                return
            changed = getattr(self, f"_{kind}")()
            if kind in {"add", "remove"} and turn % _WATCHED < len(_TURN):
                self._watched.put(Watched(kind, changed, time.perf_counter()))
            self.done += 1
            due += 1 / PER_S

    def _add(self) -> Arrival:
        self._there.append(self._newcomers.add())
        return self._there[-1]

    def _embed(self) -> Arrival:
        self._newcomers.embed(self._there[-1])
        return self._there[-1]

    def _remove(self) -> Arrival:
        gone = self._there.popleft()
        self._client.delete(f"/v1/tracks/{gone.id}").raise_for_status()
        return gone

    def _edit(self) -> Arrival:
        edited = {"tags": ["edited", secrets.token_hex(4)]}
        self._client.patch(f"/v1/tracks/{self._there[-1].id}", json=edited).raise_for_status()
        return self._there[-1]

    def _watch(self) -> None:
        with httpx.Client(base_url=str(self._client.base_url), trust_env=False, timeout=60) as client:
            while (watched := self._watched.get()) is not None:
                if time.perf_counter() - watched.since > _FRESH_S:
                    continue
                while watched.is_found(client) != (watched.kind == "add"):
                    time.sleep(_LOOK_S)
                self.sightings.of(watched.kind).append(1000 * (time.perf_counter() - watched.since))
