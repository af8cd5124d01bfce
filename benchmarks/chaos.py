"""Minutes of everything that can go wrong with workers and servers, all at once; then the effects are counted.

Children, supervisors and whole workers are killed, workers are frozen for longer than their lease, Redis is killed
without persistence, PostgreSQL is cut off; some jobs kill their process every time, some stumble, some are refused.
At the end every job must have ended as it should, and every result must have been stored exactly once.

    python benchmarks/chaos.py --database postgres --seconds 180 --json chaos.json

Uses the workers and private servers of the tests (tests/integration). Not part of CI.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from app.adapters.doorbell import RedisDoorbell
from app.adapters.sql_database import SqlDatabase
from app.domain import ChangeKind, Job, JobKind, JobState, Metadata, StoredAudio, Track, TrackKind, new_id
from app.errors import Conflict
from workers.outage import outlast

TESTS = Path(__file__).parents[1] / "tests" / "integration"
LEASE_S = 3.0
SETTLE_S = 180.0
WORKERS = 3

ENDINGS = {"work": JobState.DONE, "stumble": JobState.DONE, "segfault": JobState.FAILED, "refuse": JobState.FAILED}


def load(path: Path, name: str) -> ModuleType:
    """Import a file of the tests by its path."""
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@dataclass
class Chaos:
    """One run: a stage with its servers, the jobs so far and what was done to them."""

    stage: Any
    postgres: Any | None
    redis: Any
    random: random.Random
    jobs: dict[str, Job] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    blows: Counter[str] = field(default_factory=Counter)
    settings: dict[str, str] = field(default_factory=dict)

    def run(self, seconds: float) -> None:
        """Add jobs and strike blows, at random."""
        self.settings = {"LEASE_S": str(LEASE_S), "BEAT_S": "0.6", "REDIS_URL": self.redis.url}
        bell = RedisDoorbell(self.redis.url)
        for _ in range(WORKERS):
            self.stage.start(**self.settings)
        end = time.monotonic() + seconds
        next_blow = time.monotonic() + 5
        while time.monotonic() < end:
            self.add(self.script())
            bell.ring()
            time.sleep(self.random.uniform(0.05, 0.4))
            if time.monotonic() > next_blow:
                self.strike()
                next_blow = time.monotonic() + self.random.uniform(2, 6)

    def script(self) -> str:
        """Mostly honest work."""
        draw = self.random.random()
        if draw < 0.01:
            return "segfault"
        if draw < 0.03:
            return "refuse it is a text"
        if draw < 0.08:
            return "stumble 1"
        return f"work {self.random.uniform(0.05, 1.5):.2f}"

    def add(self, script: str) -> None:
        """Store a track and its job as an upload does, however often that takes."""
        library = self.stage.library.id
        sha256 = new_id().replace("-", "") * 2
        audio = StoredAudio(None, sha256, 1, "audio/wav", "scene.wav")
        track = Track(new_id(), library, TrackKind.TRACK, Metadata(title=script), audio)
        job = Job(new_id(), library, JobKind.EMBED_TRACK, track.id, self.random.choice([0, 5, 5, 5, 9]))

        def store() -> None:
            with self.stage.database.transaction() as tx:
                tx.catalogue.add_track(track)
                tx.queue.enqueue(job)

        with suppress(Conflict):  # the first try was stored, only its answer was lost
            outlast(store)
        self.jobs[job.id], self.scripts[job.id] = job, script

    def strike(self) -> None:
        """Do one bad thing, and repair what does not repair itself."""
        blows = [self.kill_child, self.kill_supervisor, self.kill_everything, self.freeze, self.kill_redis]
        blow = self.random.choice([*blows, self.cut_off_postgres] if self.postgres else blows)
        self.blows[blow.__name__] += 1
        blow()

    def victim(self) -> Any:  # noqa: ANN401 (the tests' Worker, loaded by path)
        """Any living worker."""
        return self.random.choice([worker for worker in self.stage.workers if worker.process.poll() is None])

    def kill_child(self) -> None:
        child = self.victim().child()
        if child is not None:
            child.kill()

    def kill_supervisor(self) -> None:
        self.victim().kill_supervisor()
        self.stage.start(**self.settings)

    def kill_everything(self) -> None:
        self.victim().kill_everything()
        self.stage.start(**self.settings)

    def freeze(self) -> None:
        victim = self.victim()
        victim.freeze()
        time.sleep(LEASE_S * 1.5)
        victim.thaw()

    def kill_redis(self) -> None:
        self.redis.kill()
        time.sleep(self.random.uniform(0, 3))
        self.redis.start()

    def cut_off_postgres(self) -> None:
        self.postgres.stop()  # type: ignore[union-attr]  # only chosen where there is one
        time.sleep(self.random.uniform(0, LEASE_S * 1.5))
        self.postgres.start()  # type: ignore[union-attr]  # likewise

    def settle(self) -> float:
        """Leave the workers in peace until every job has ended; return how long that took."""
        started = time.monotonic()
        while time.monotonic() < started + SETTLE_S:
            if all(job.state.is_final for job in self.found().values()):
                break
            time.sleep(0.5)
        return time.monotonic() - started

    def found(self) -> dict[str, Job]:
        """Every job as the database has it."""
        with self.stage.database.transaction(read_only=True) as tx:
            jobs, _ = tx.queue.jobs(self.stage.library.id, limit=1_000_000)
        return {job.id: job for job in jobs}

    def effects(self) -> Counter[str]:
        """How often the result of each track was stored."""
        with self.stage.database.transaction(read_only=True) as tx:
            changes = tx.changes.after(0, limit=10_000_000)
        return Counter(change.subject for change in changes if change.kind is ChangeKind.TRACK_EMBEDDED)

    def count(self) -> dict[str, Any]:
        """What became of everything."""
        found, effects = self.found(), self.effects()
        done = [job for job in found.values() if job.state is JobState.DONE]
        wrong = [
            f"{self.scripts[job.id]}: {job.state.value} ({job.error_message})"
            for job in found.values()
            if job.state is not ENDINGS[self.scripts[job.id].split()[0]]
        ]
        waits = sorted((job.started_at - job.run_at).total_seconds() for job in done if job.started_at)
        return {
            "jobs": len(self.jobs),
            "done": len(done),
            "missing": len(set(self.jobs) - set(found)),
            "unfinished": sum(not job.state.is_final for job in found.values()),
            "done without effect": sum(not effects[job.subject] for job in done),
            "counted twice": sum(times > 1 for times in effects.values()),
            "effect of a job that is not done": len(set(effects) - {job.subject for job in done}),
            "poison buried": sum(job.error_code == "poison" for job in found.values()),
            "crashes of finished jobs": sum(job.crashes for job in done),
            "losses of finished jobs": sum(job.losses for job in done),
            "median wait s": round(waits[len(waits) // 2], 3) if waits else None,
            "ended otherwise than it should": wrong,
            "blows": dict(self.blows),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    servers = load(TESTS / "conftest.py", "chaos_servers")
    workers = load(TESTS / "worker" / "conftest.py", "chaos_workers")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soundkin-chaos-")))
        redis = servers.RedisServer(folder)
        redis.start()
        stack.callback(redis.kill)
        postgres = servers.PostgresServer() if arguments.database == "postgres" else None
        if postgres:
            stack.callback(postgres.close)
        url = postgres.url if postgres else f"sqlite:///{folder / 'chaos.sqlite3'}"
        database = SqlDatabase(url)
        database.migrate()
        database.close()
        stage = workers.Stage(url, folder)
        stack.callback(stage.close)
        chaos = Chaos(stage, postgres, redis, random.Random(arguments.seed))
        chaos.run(arguments.seconds)
        settled_s = chaos.settle()
        report = {"database": arguments.database, "settled after s": round(settled_s, 1), **chaos.count()}
    for name, value in report.items():
        print(f"{name:35} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
