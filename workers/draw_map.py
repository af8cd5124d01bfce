"""One job: the vectors of a library become a map of it, with clusters and their names."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from app.catalogue_map import (
    CatalogueMap,
    Cluster,
    Clustering,
    ClusterScore,
    Drawing,
    MapTrack,
    Numbers,
)
from app.database import Database, Transaction
from app.domain import EncoderInfo, Job, Vectors
from app.errors import Conflict, NotEmbedded
from app.query import shares_of, weighed
from app.services import calibration
from app.services.encoders import find_encoder
from models.catalogue_map.clusters import Clusters, find_clusters
from models.catalogue_map.layout import lay_out
from models.catalogue_map.names import Described, cluster_names
from workers.finish import finish
from workers.outage import outlast
from workers.watch import Watch

MOST_TRACKS: Final = 50_000
"""Of a larger catalogue a map shows so many, drawn by lot: always the same ones of the same catalogue."""

_SEED: Final = 0
_LAYOUT_SHARE, _CLUSTERS_SHARE = 0.6, 0.8
"""Of the job's time: then the layout stops where it is, and the clusters are the best so far."""

_PROGRESS: Final[Mapping[str, tuple[float, float]]] = {
    "neighbours": (0.05, 0.15),
    "layout": (0.15, 0.7),
    "clusters": (0.7, 0.95),
}
"""Where each stage begins and ends in the whole."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a map is drawn of, as it stood at one moment.

    Attributes:
        encoder: Whose vectors these are.
        numbers: (N,) of the tracks, ascending.
        vectors: (N, D) weighed: inner products are similarities as a search with these weights has them.
        tracks: What is known of them, in the same order.
        seq: The last change by then.
        left_out: How many tracks more there are.
    """

    encoder: EncoderInfo
    numbers: Numbers
    vectors: Vectors
    tracks: Sequence[MapTrack]
    seq: int
    left_out: int


@dataclass(frozen=True, slots=True)
class MapJobs:
    """Draws maps, one at a time and on one thread: whatever else the process does goes on beside it."""

    database: Database
    most_tracks: int = MOST_TRACKS

    def __call__(self, job: Job, watch: Watch) -> None:
        """Do one job and finish it.

        Raises:
            LeaseLost: It had become somebody else's; nothing was stored.
            JobDropped: Nobody waits for it any more; nothing was stored.
            NotEmbedded: The library has no vectors to draw.
        """
        started, seconds = time.monotonic(), _seconds(job)
        watch.reach("vectors", 0.0)
        material = outlast(lambda: self._gather(job), watch.check)

        def reached(stage: str, fraction: float) -> None:
            begin, end = _PROGRESS[stage]
            watch.reach(stage, begin + (end - begin) * fraction)

        with threadpool_limits(1):
            positions = lay_out(material.vectors, _SEED, reached, started + _LAYOUT_SHARE * seconds)
            found = find_clusters(material.vectors, _SEED, reached, started + _CLUSTERS_SHARE * seconds)
        drawing = Drawing(
            material.numbers,
            positions,
            found.numbers.astype(np.int16),
            _clustering(found, positions, material.tracks),
            material.seq,
            material.left_out,
        )
        watch.reach("store", 0.95)
        outlast(lambda: self._commit(job, material.encoder, drawing))

    def _gather(self, job: Job) -> Material:
        with self.database.transaction(read_only=True) as tx:
            asked = tx.maps.map(job.library_id, job.subject)
            encoder = find_encoder(tx, asked.request.encoder)
            numbers, vectors = self._vectors(tx, asked, encoder)
            if not len(numbers):
                raise NotEmbedded(
                    f"The library has no vectors by {encoder.name!r} to draw a map of: upload tracks, or wait for "
                    "those that are being embedded, and ask for the map again."
                )
            left_out = tx.catalogue.count_embedded(job.library_id, encoder.id) - len(numbers)
            tracks = tx.maps.tracks(job.library_id, numbers.tolist())
            return Material(encoder, numbers, vectors, tracks, tx.changes.last_seq(), left_out)

    def _vectors(self, tx: Transaction, asked: CatalogueMap, encoder: EncoderInfo) -> tuple[Numbers, Vectors]:
        """Numbers and weighed vectors of the tracks that the map shows; of spaces that do not count, nothing."""
        if not {space.name for space in encoder.spaces} & set(asked.request.weights):
            raise Conflict(
                f"The present {encoder.name!r} (version {encoder.version}) lacks all spaces that the map weighs: "
                f"{', '.join(asked.request.weights)}. Ask for a map by those that it has."
            )
        scale = calibration.scale(tx.catalogue.calibration(asked.library_id, encoder.id))
        shares = shares_of(asked.request.weights, encoder.spaces, scale)
        counts = np.repeat(shares > 0, [space.dimension for space in encoder.spaces])
        shown = _by_lot(tx.maps.embedded(asked.library_id, encoder.id), self.most_tracks)
        numbers, vectors = [np.zeros(0, np.int64)], [np.zeros((0, counts.sum()), np.float32)]
        for some, whole in tx.catalogue.all_vectors(asked.library_id, encoder.id):
            kept = np.isin(some, shown)
            numbers.append(some[kept])
            vectors.append(weighed(whole[kept], encoder.spaces, shares)[:, counts])
        return np.concatenate(numbers), np.concatenate(vectors)

    def _commit(self, job: Job, encoder: EncoderInfo, drawing: Drawing) -> None:
        """Map and end of the job together, or nothing; tried until there is an answer."""
        with self.database.transaction() as tx:
            if finish(tx, job):
                tx.maps.save(job.subject, encoder.id, drawing)


def _seconds(job: Job) -> float:
    """How long the job may take in all; infinite where nobody says."""
    if job.deadline is None or job.started_at is None:
        return np.inf
    return (job.deadline - job.started_at).total_seconds()


def _by_lot(numbers: Numbers, most: int) -> Numbers:
    if len(numbers) <= most:
        return numbers
    return np.sort(np.random.default_rng(_SEED).choice(numbers, most, replace=False))


def _clustering(found: Clusters, positions: Vectors, tracks: Sequence[MapTrack]) -> Clustering:
    described = [Described(track.tags, track.tempo_bpm, track.key or "") for track in tracks]
    names = cluster_names(found.numbers.tolist(), described)
    return Clustering(
        found.method,
        list(_clusters(found, positions, names)),
        [
            ClusterScore(score.method, score.k, score.silhouette, score.calinski_harabasz, score.davies_bouldin)
            for score in found.scores
        ],
    )


def _clusters(found: Clusters, positions: Vectors, names: Sequence[str]) -> Iterator[Cluster]:
    for number, name in enumerate(names):
        inside = positions[found.numbers == number]
        x, y = np.median(inside, axis=0).tolist()
        yield Cluster(number, name, len(inside), x, y)
