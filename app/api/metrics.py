"""Prometheus metrics: of requests, counted here, and of the service, read when asked for."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.errors import SoundkinError
from app.services.assembly import Assembly
from app.services.census import Census, take_census
from app.services.indexing import KeeperStatus

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class Collector(Protocol):
    """What a registry asks when it is scraped."""

    def collect(self) -> Iterable[Metric]: ...


class RequestMetrics:
    """Counts requests by method, route template and status, and how long they took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route")
        self._requests = Counter("soundkin_requests", "HTTP requests", (*labels, "status"), registry=registry)
        self._seconds = Histogram(
            "soundkin_request_seconds", "Duration of HTTP requests", labels, registry=registry, buckets=BUCKETS_S
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request; methods that nobody knows are put together."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)


_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class CensusCollector:
    """Reads queue, tracks and index at each scrape. A database that is away shows as ``soundkin_up 0``."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    def collect(self) -> Iterator[Metric]:
        """Yield the families of one scrape."""
        up = GaugeMetricFamily("soundkin_up", "Whether the database answered")
        try:
            census = take_census(self._assembly.ports.database, self._assembly.counts)
        except SoundkinError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        yield up
        yield from _queue(census)
        yield from _catalogue(census)
        yield from _workers(census)
        yield from _index(self._assembly.keeper.status())
        yield CounterMetricFamily(
            "soundkin_doorbell_errors", "Wake-ups that could not be sent", self._assembly.ports.doorbell.errors
        )


def _queue(census: Census) -> Iterator[Metric]:
    depth = GaugeMetricFamily("soundkin_jobs", "Jobs that have not ended", labels=("state", "priority"))
    age = GaugeMetricFamily("soundkin_jobs_oldest_age_seconds", "Age of the oldest", labels=("state", "priority"))
    for part in census.queue:
        labels = [part.state.value, str(part.priority)]
        depth.add_metric(labels, part.count)
        age.add_metric(labels, part.oldest_age_s)
    yield depth
    yield age


def _catalogue(census: Census) -> Iterator[Metric]:
    tracks = GaugeMetricFamily("soundkin_tracks", "Tracks of all libraries", labels=("state",))
    for state, count in census.tracks.items():
        tracks.add_metric([state.value], count)
    yield tracks


def _workers(census: Census) -> Iterator[Metric]:
    yield GaugeMetricFamily("soundkin_workers", "Living workers", sum(worker.alive for worker in census.workers))
    seconds = CounterMetricFamily("soundkin_stage_seconds", "Time spent on a stage", labels=("stage",))
    runs = CounterMetricFamily("soundkin_stage_runs", "How often a stage was gone through", labels=("stage",))
    outcomes = CounterMetricFamily("soundkin_job_outcomes", "What became of jobs", labels=("outcome",))
    events = CounterMetricFamily("soundkin_worker_events", "What else workers counted", labels=("event",))
    for tally in census.tallies:
        group, _, name = tally.name.rpartition(":")
        if group == "stage":
            seconds.add_metric([name], tally.total)
            runs.add_metric([name], tally.count)
        else:
            (outcomes if group == "outcome" else events).add_metric([name], tally.count)
    yield from (seconds, runs, outcomes, events)


def _index(status: KeeperStatus) -> Iterator[Metric]:
    labels = ("library", "encoder", "encoder_id")
    size = GaugeMetricFamily("soundkin_index_tracks", "Tracks in an index", labels=labels)
    for index in status.indexes:
        size.add_metric([index.library_id, index.encoder, index.encoder_id], index.tracks)
    yield size
    yield GaugeMetricFamily("soundkin_index_lag_changes", "Changes that are not applied yet", status.lag)
    yield GaugeMetricFamily("soundkin_index_silent_seconds", "Since the database was last read", status.silent_s)
