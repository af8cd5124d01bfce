"""Counts for people: tracks by state, the queue, workers, the speed of each stage, the index."""

from collections.abc import Iterable

from fastapi import APIRouter
from pydantic import ConfigDict

from app.api.dependencies import Admin, AssemblyDep, Reader
from app.api.schemas import ResponseBody
from app.domain import JobState, QueueDepth, Tally, TrackState, WorkerInfo
from app.services.census import take_census
from app.services.indexing import IndexStatus, KeeperStatus
from app.services.kept_index import IndexDifference

router = APIRouter(prefix="/v1", tags=["operations"])

SECONDS_PER_HOUR = 3600.0


class QueueResponse(ResponseBody):
    """Jobs of one state and priority."""

    state: JobState
    priority: int
    count: int
    oldest_age_s: float

    @classmethod
    def of(cls, depth: QueueDepth) -> "QueueResponse":
        """Show it."""
        return cls(state=depth.state, priority=depth.priority, count=depth.count, oldest_age_s=depth.oldest_age_s)


class WorkerResponse(ResponseBody):
    """A worker process."""

    id: str
    host: str
    device: str
    alive: bool

    @classmethod
    def of(cls, worker: WorkerInfo) -> "WorkerResponse":
        """Show it."""
        return cls(id=worker.id, host=worker.host, device=worker.device, alive=worker.alive)


class StageResponse(ResponseBody):
    """What one stage of the work has cost so far, over all workers."""

    tracks: int
    seconds: float
    tracks_per_hour: float | None

    @classmethod
    def of(cls, tally: Tally) -> "StageResponse":
        """Show it; the speed is that of one stage after the other, without overlap."""
        speed = tally.count / tally.total * SECONDS_PER_HOUR if tally.total > 0 else None
        return cls(tracks=tally.count, seconds=tally.total, tracks_per_hour=speed)


class IndexResponse(ResponseBody):
    """The index of one encoder for the caller's library."""

    encoder: str
    tracks: int
    calibrated: bool
    details: dict[str, int | float | str]

    @classmethod
    def of(cls, status: IndexStatus) -> "IndexResponse":
        """Show it."""
        return cls(
            encoder=status.encoder,
            tracks=status.tracks,
            calibrated=status.calibrated,
            details=dict(status.details),
        )


class KeeperResponse(ResponseBody):
    """How far the indexes of this replica have come; ``lag`` counts changes that are not applied yet."""

    caught_up: bool
    applied_seq: int
    lag: int
    trouble: str | None
    indexes: list[IndexResponse]

    @classmethod
    def of(cls, status: KeeperStatus, library_id: str) -> "KeeperResponse":
        """Show what concerns one library."""
        own = [index for index in status.indexes if index.library_id == library_id]
        return cls(
            caught_up=status.caught_up,
            applied_seq=status.applied_seq,
            lag=status.lag,
            trouble=status.trouble,
            indexes=[IndexResponse.of(index) for index in own],
        )


class StatsResponse(ResponseBody):
    """The service in numbers; ``tracks`` and ``index`` are the caller's, the rest is of the whole service."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tracks": {"pending": 3, "ready": 1180, "failed": 1},
                "queue": [{"state": "queued", "priority": 5, "count": 3, "oldest_age_s": 1.2}],
                "workers": [],
                "stages": {"decode": {"tracks": 1181, "seconds": 420.0, "tracks_per_hour": 10122.9}},
                "index": {"caught_up": True, "applied_seq": 4711, "lag": 0, "trouble": None, "indexes": []},
            }
        }
    )
    tracks: dict[TrackState, int]
    queue: list[QueueResponse]
    workers: list[WorkerResponse]
    stages: dict[str, StageResponse]
    index: KeeperResponse


class DifferenceResponse(ResponseBody):
    """How many tracks differ between an index and the database."""

    encoder: str
    missing: int
    extra: int
    different: int


class IndexCheckResponse(ResponseBody):
    """Whether the indexes hold what the database does."""

    model_config = ConfigDict(json_schema_extra={"example": {"agrees": True, "differences": []}})
    agrees: bool
    differences: list[DifferenceResponse]


@router.get("/stats")
def stats(caller: Reader, assembly: AssemblyDep) -> StatsResponse:
    """Count."""
    database = assembly.ports.database
    census = take_census(database)
    with database.transaction(read_only=True) as tx:
        tracks = tx.catalogue.count_tracks(caller.library_id)
    return StatsResponse(
        tracks={state: tracks.get(state, 0) for state in TrackState},
        queue=[QueueResponse.of(depth) for depth in census.queue],
        workers=[WorkerResponse.of(worker) for worker in census.workers],
        stages=_stages(census.tallies),
        index=KeeperResponse.of(assembly.keeper.status(), caller.library_id),
    )


def _stages(tallies: Iterable[Tally]) -> dict[str, StageResponse]:
    return {
        tally.name.removeprefix("stage:"): StageResponse.of(tally)
        for tally in tallies
        if tally.name.startswith("stage:")
    }


@router.post("/index/check")
def check_index(caller: Admin, assembly: AssemblyDep) -> IndexCheckResponse:
    """Compare the indexes of this replica with the database."""
    names = {status.encoder_id: status.encoder for status in assembly.keeper.status().indexes}
    own = [found for found in assembly.keeper.check() if found.library_id == caller.library_id]
    return IndexCheckResponse(agrees=not own, differences=[_difference(found, names) for found in own])


def _difference(found: IndexDifference, names: dict[str, str]) -> DifferenceResponse:
    return DifferenceResponse(
        encoder=names.get(found.encoder_id, found.encoder_id),
        missing=len(found.missing),
        extra=len(found.extra),
        different=len(found.different),
    )


@router.post("/index/rebuild")
def rebuild_index(caller: Admin, assembly: AssemblyDep) -> KeeperResponse:
    """Build the indexes of this replica anew, beside the ones that serve, and swap."""
    assembly.keeper.rebuild()
    return KeeperResponse.of(assembly.keeper.status(), caller.library_id)
