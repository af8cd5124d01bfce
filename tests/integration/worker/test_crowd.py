"""Many jobs, many workers, one queue."""

from datetime import timedelta

import psycopg
import pytest

from app.adapters.sql_database import SqlDatabase
from app.domain import Job, JobKind, JobState, Library, WorkerInfo, new_id, utc_now


@pytest.mark.postgres
def test_a_claim_on_a_table_without_statistics_takes_no_more_than_its_limit(empty_postgres_url):
    """In one statement PostgreSQL's planner ignored the limit: one worker claimed 5000 of 5000."""
    opened = SqlDatabase(empty_postgres_url)
    opened.migrate()
    with psycopg.connect(empty_postgres_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE job SET (autovacuum_enabled = off)")
    library = Library(new_id(), "crowd")
    workers = [WorkerInfo(new_id(), "host", "cpu", utc_now(), alive=True) for _ in range(2)]
    with opened.transaction() as tx:
        tx.catalogue.add_library(library)
        for _ in range(5000):
            tx.queue.enqueue(Job(new_id(), library.id, JobKind.EMBED_TRACK, new_id(), 5))
        for worker in workers:
            tx.queue.register(worker, timedelta(minutes=1))
    with opened.transaction() as first, opened.transaction() as second:
        taken = [
            tx.queue.claim(worker.id, limit=8, deadline=timedelta(minutes=1))
            for tx, worker in zip((first, second), workers, strict=True)
        ]
    assert [len(jobs) for jobs in taken] == [8, 8]
    assert len({job.id for jobs in taken for job in jobs}) == 16
    with opened.transaction() as tx:
        assert tx.queue.count_waiting(max_priority=9) == 5000 - 16
    opened.close()


@pytest.mark.slow
def test_four_workers_write_to_one_sqlite_file_and_every_result_counts_once(sqlite_stage):
    sqlite_stage.start_several(4, LEASE_S="10", BEAT_S="1")
    jobs = [sqlite_stage.add("nothing") for _ in range(80)]
    for job in jobs:
        finished = sqlite_stage.wait_until(job, JobState.DONE, 60)
        assert (finished.attempts, finished.crashes, finished.losses) == (0, 0, 0)
        assert sqlite_stage.effects(job) == 1
    with sqlite_stage.database.transaction(read_only=True) as tx:
        holders = {tx.queue.job(sqlite_stage.library.id, job.id).worker_id for job in jobs}
    assert len(holders) > 1
