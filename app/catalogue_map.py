"""Maps of a catalogue: each track as a point in two dimensions, near to those that it is similar to. No IO.

Axis letters: N tracks of a map.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain import EncoderInfo, Vectors

Numbers = NDArray[np.int64]
Clusters = NDArray[np.int16]

_DIGITS = 6
"""Weights that agree in so many digits ask for the same map."""


@dataclass(frozen=True, slots=True)
class MapRequest:
    """What a map is of.

    Attributes:
        encoder: By name.
        weights: Above 0, by space of that encoder, the largest 1; a space left out counts nothing.
    """

    encoder: str
    weights: Mapping[str, float]

    @classmethod
    def of(cls, encoder: EncoderInfo, weights: Mapping[str, float] | None) -> "MapRequest":
        """Write a request in the one way in which it is stored; ``None`` weighs all spaces alike.

        Args:
            encoder: Whose spaces these are.
            weights: Finite, none negative, some positive.
        """
        given = {space.name: 1.0 if weights is None else weights.get(space.name, 0.0) for space in encoder.spaces}
        largest = max(given.values())
        scaled = {name: round(weight / largest, _DIGITS) for name, weight in given.items()}
        return cls(encoder.name, {name: weight for name, weight in scaled.items() if weight > 0})

    @property
    def sha256(self) -> str:
        """Tells requests apart."""
        written = json.dumps([self.encoder, sorted(self.weights.items())], ensure_ascii=False)
        return hashlib.sha256(written.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class CatalogueMap:
    """A map that somebody asked for, drawn or not.

    Attributes:
        id: Also the subject of the jobs that draw it.
        library_id: Whose.
        request: What it is of.
        encoder_id: Whose vectors it was drawn of, or shall be.
        requested_at: When it was last asked for.
        drawn_at: ``None`` until it has been drawn.
    """

    id: str
    library_id: str
    request: MapRequest
    encoder_id: str
    requested_at: datetime
    drawn_at: datetime | None = None


class MapState(StrEnum):
    """DRAWING while a job for it waits or runs; FAILED when the last one was given up; READY to look at else."""

    DRAWING = "drawing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Tracks that lie together in the space that the map shows. ``x`` and ``y`` are the median of its points."""

    number: int
    name: str
    tracks: int
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class ClusterScore:
    """How apart so many clusters lie, found by one method; ``None`` where that cannot be said.

    Attributes:
        method: ``kmeans`` or ``gmm``.
        k: How many clusters.
        silhouette: -1 to 1, the higher the better.
        calinski_harabasz: Above 0, the higher the better.
        davies_bouldin: Above 0, the lower the better.
    """

    method: str
    k: int
    silhouette: float | None
    calinski_harabasz: float | None
    davies_bouldin: float | None


@dataclass(frozen=True, slots=True)
class Clustering:
    """The clusters of a map, how they were found, and what else was tried."""

    method: str
    clusters: Sequence[Cluster]
    scores: Sequence[ClusterScore]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A map as it was drawn.

    Attributes:
        numbers: (N,) ``Track.number``, ascending.
        positions: (N, 2) in [-1, 1].
        clusters: (N,) ``Cluster.number`` of each track.
        clustering: Of these tracks.
        seq: The last change that it takes account of.
        left_out: How many tracks there were beyond those that a map shows.
    """

    numbers: Numbers
    positions: Vectors
    clusters: Clusters
    clustering: Clustering
    seq: int
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class MapTrack:
    """What a map says of a track. ``tags`` are its own and those heard in it."""

    number: int
    id: str
    title: str | None
    artist: str | None
    tempo_bpm: float | None
    key: str | None
    tags: Sequence[str] = field(default=())
    has_audio: bool = False


class Maps(Protocol):
    """Maps of catalogues, within one transaction."""

    def ask(self, library_id: str, request: MapRequest, encoder_id: str) -> CatalogueMap:
        """Return the map of this request, made if there is none; nobody else gets it so before the commit."""

    def find(self, library_id: str, request: MapRequest) -> CatalogueMap | None:
        """Return the map of this request if it was ever asked for."""

    def map(self, library_id: str, map_id: str) -> CatalogueMap:
        """Return a map. Raises ``NotFound``, also for text that is not an id."""

    def maps(self, library_id: str) -> Sequence[CatalogueMap]:
        """Every map of the library, the one asked for last first."""

    def drawing(self, map_id: str) -> Drawing | None:
        """Return a map as it was drawn last; ``None`` before."""

    def save(self, map_id: str, encoder_id: str, drawing: Drawing) -> CatalogueMap:
        """Store a drawing in the place of the last one. Raises ``NotFound`` if the map was removed meanwhile."""

    def forget(self, map_id: str) -> None:
        """Remove a map; silent if it is not there."""

    def tracks(self, library_id: str, numbers: Iterable[int]) -> Sequence[MapTrack]:
        """What maps say of those of the tracks (no clips) that are in the catalogue, ascending by number."""

    def embedded(self, library_id: str, encoder_id: str) -> Numbers:
        """Numbers of the catalogue's tracks (no clips) that have vectors of the encoder, ascending."""
