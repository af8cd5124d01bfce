"""Counts for people: tracks by state, the queue, workers, the speed of each stage, the index."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from fastapi import APIRouter
from pydantic import ConfigDict

from app.api.dependencies import Admin, AssemblyDep, Operator, Reader, SettingsDep
from app.api.schemas import ResponseBody
from app.domain import JobState, QueueDepth, Tally, TrackState, WorkerInfo
from app.services.access import Caller
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
    """How far the indexes of this replica have come.

    All follow one change log of every library: ``lag`` counts its changes that are not applied yet. It and
    ``applied_seq`` are told to keys of the default library only, and null to others; ``indexes`` are of the
    caller's library.
    """

    caught_up: bool
    applied_seq: int | None
    lag: int | None
    trouble: str | None
    indexes: list[IndexResponse]

    @classmethod
    def of(cls, status: KeeperStatus, caller: Caller) -> "KeeperResponse":
        """Show what concerns the caller."""
        own = [index for index in status.indexes if index.library_id == caller.library_id]
        return cls(
            caught_up=status.caught_up,
            applied_seq=status.applied_seq if caller.is_operator else None,
            lag=status.lag if caller.is_operator else None,
            trouble=status.trouble,
            indexes=[IndexResponse.of(index) for index in own],
        )


class DiskResponse(ResponseBody):
    """The disk that holds the data directory."""

    total_bytes: int
    free_bytes: int

    @classmethod
    def of(cls, folder: Path) -> "DiskResponse | None":
        """Measure it; ``None`` before anything was put there."""
        if not folder.exists():
            return None
        usage = shutil.disk_usage(folder)
        return cls(total_bytes=usage.total, free_bytes=usage.free)


class StatsResponse(ResponseBody):
    """The service in numbers; ``tracks`` and ``index.indexes`` are of the caller's library.

    The rest is of the whole service. Of that, keys of other libraries than the default one are told only whether
    the indexes have caught up, and what troubles them: ``queue`` counts the jobs of their own; ``workers``,
    ``disk``, ``index.lag`` and ``index.applied_seq`` are null, and ``stages`` is empty.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "tracks": {"pending": 3, "ready": 1180, "failed": 1},
                "queue": [{"state": "queued", "priority": 5, "count": 3, "oldest_age_s": 1.2}],
                "workers": [],
                "stages": {"decode": {"tracks": 1181, "seconds": 420.0, "tracks_per_hour": 10122.9}},
                "index": {"caught_up": True, "applied_seq": 4711, "lag": 0, "trouble": None, "indexes": []},
                "disk": {"total_bytes": 500_000_000_000, "free_bytes": 120_000_000_000},
            }
        }
    )
    tracks: dict[TrackState, int]
    queue: list[QueueResponse]
    workers: list[WorkerResponse] | None
    stages: dict[str, StageResponse]
    index: KeeperResponse
    disk: DiskResponse | None


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
def stats(caller: Reader, assembly: AssemblyDep, settings: SettingsDep) -> StatsResponse:
    """Count."""
    whole = caller.is_operator
    with assembly.ports.database.transaction(read_only=True) as tx:
        tracks = assembly.counts.by_state(tx, caller.library_id)
        queue = tx.queue.depth(None if whole else caller.library_id)
        workers = tx.queue.workers() if whole else None
        tallies = tx.queue.tallies() if whole else ()
    return StatsResponse(
        tracks={state: tracks.get(state, 0) for state in TrackState},
        queue=[QueueResponse.of(depth) for depth in queue],
        workers=None if workers is None else [WorkerResponse.of(worker) for worker in workers],
        stages=_stages(tallies),
        index=KeeperResponse.of(assembly.keeper.status(), caller),
        disk=DiskResponse.of(settings.data_dir) if whole else None,
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
def rebuild_index(caller: Operator, assembly: AssemblyDep) -> KeeperResponse:
    """Build the indexes of this replica anew, beside the ones that serve, and swap. 409 while that is under way."""
    assembly.keeper.rebuild()
    return KeeperResponse.of(assembly.keeper.status(), caller)
