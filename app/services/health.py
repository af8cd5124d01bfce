"""Whether the service can do its job, and what to do where it cannot."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.database import Database
from app.errors import SoundkinError
from app.ports import AudioStore, Doorbell
from app.services.indexing import KeeperStatus


class Verdict(StrEnum):
    """OK works; WARN works, but something is amiss; FAIL does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; ``remedy`` says how to mend it."""

    name: str
    verdict: Verdict
    message: str
    remedy: str | None = None


Check = Callable[[], Iterable[Finding]]


def examine(checks: Iterable[tuple[str, Check]]) -> Iterator[Finding]:
    """Run checks one after the other; an error of ours in one of them is what it found."""
    for name, check in checks:
        try:
            yield from check()
        except SoundkinError as error:
            yield Finding(name, Verdict.FAIL, str(error))


def check_database(database: Database) -> Iterator[Finding]:
    """Whether the database answers."""
    database.ping()
    yield Finding("database", Verdict.OK, "answers")


def check_store(store: AudioStore) -> Iterator[Finding]:
    """Whether one can write audio."""
    store.ping()
    yield Finding("audio store", Verdict.OK, "can be written")


def check_doorbell(doorbell: Doorbell) -> Iterator[Finding]:
    """Whether wake-ups arrive; without them workers poll, so it is never worse than a warning."""
    try:
        doorbell.ping()
    except SoundkinError as error:
        yield Finding("doorbell", Verdict.WARN, str(error), "Check SOUNDKIN_REDIS_URL; meanwhile workers poll.")
    else:
        yield Finding("doorbell", Verdict.OK, "answers")


def check_workers(database: Database, trouble: str | None) -> Iterator[Finding]:
    """Whether anybody works. ``trouble`` is what the supervisor of the embedded worker says."""
    with database.transaction(read_only=True) as tx:
        alive = [worker for worker in tx.queue.workers() if worker.alive]
    if trouble:
        yield Finding("workers", Verdict.WARN, f"the embedded worker does not run: {trouble}", "See its log lines.")
    elif alive:
        places = ", ".join(sorted({f"{worker.device} on {worker.host}" for worker in alive}))
        yield Finding("workers", Verdict.OK, f"{len(alive)} alive: {places}")
    else:
        yield Finding(
            "workers",
            Verdict.WARN,
            "no worker is alive, uploads wait",
            "Start one: python -m workers, or soundkin serve.",
        )


def check_index(status: KeeperStatus) -> Iterator[Finding]:
    """Whether searches see what the database has."""
    size = sum(index.tracks for index in status.indexes)
    if not status.caught_up:
        message = f"not loaded yet: {status.trouble or 'reading the vectors'}"
        yield Finding("index", Verdict.FAIL, message, "Wait; a large catalogue takes a while.")
    elif status.trouble:
        message = f"serves {size} tracks, but cannot follow changes: {status.trouble}"
        yield Finding("index", Verdict.WARN, message, "It goes on by itself once the database is back.")
    else:
        yield Finding("index", Verdict.OK, f"{size} tracks, {status.lag} changes behind")


def is_ready(findings: Sequence[Finding]) -> bool:
    """Whether requests can be served: nothing fails."""
    return all(finding.verdict is not Verdict.FAIL for finding in findings)
