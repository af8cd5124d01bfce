"""Chores that keep the catalogue whole."""

import dataclasses
import time
from datetime import timedelta

import pytest

from app.adapters.memory_database import MemoryDatabase
from app.domain import DEFAULT_LIBRARY, ChangeKind, EncoderInfo, Space, new_id, utc_now
from app.errors import DatabaseUnavailable
from app.services.housekeeping import Housekeeper, forget_changes, mend_tracks


def jobs(service, **params):
    return service.http.get("/v1/jobs", params=params).json()["items"]


def test_a_track_whose_job_was_lost_gets_another(service, worker):
    track = service.upload().json()["track"]["id"]
    with service.database.transaction() as tx:
        tx.queue._state.jobs.clear()
    assert jobs(service) == []
    service.app.state.assembly.housekeeper.round()
    assert [job["subject"] for job in jobs(service)] == [track]
    service.app.state.assembly.housekeeper.round()
    assert len(jobs(service)) == 1
    worker.work()
    service.app.state.assembly.housekeeper.round()
    assert jobs(service, state="queued") == []


def test_a_round_that_takes_long_is_followed_by_a_long_rest():
    rounds = []

    class SlowDatabase(MemoryDatabase):
        def transaction(self, *, read_only=False):
            rounds.append(time.monotonic())
            time.sleep(0.1)
            raise DatabaseUnavailable("slow, and away")

    class NoIngest:
        def settle(self):
            pass

    keeper = Housekeeper(SlowDatabase(), None, NoIngest(), ["fake"], interval_s=0.01)
    keeper.round()
    of_one = len(rounds)
    keeper.start()
    time.sleep(0.1 * of_one + 0.5)
    keeper.close()
    assert len(rounds) == 2 * of_one, "one round, and no second one within ten times its length"


def test_tracks_are_queued_for_the_artifact_that_workers_load_and_for_no_other(service, worker):
    service.upload()
    worker.work()
    with service.database.transaction() as tx:
        tx.catalogue.announce_encoder(EncoderInfo(new_id(), "gone", "1", "f" * 64, (Space("x", 2),)))
    assert mend_tracks(service.database, ["fake"]) == 0
    with service.database.transaction() as tx:
        tx.catalogue.announce_encoder(
            dataclasses.replace(worker.encoder, id=new_id(), version="2", digest="e" * 64)
        )
    assert mend_tracks(service.database, ["fake"]) == 1
    assert jobs(service, state="queued")[0]["kind"] == "reembed"


def test_no_more_waits_in_the_background_than_a_portion(service, worker, monkeypatch):
    monkeypatch.setattr("app.services.housekeeping.PORTION", 3)
    for number in range(5):
        service.upload(b"RIFF" + bytes([number]))
    worker.work()
    with service.database.transaction() as tx:
        tx.catalogue.announce_encoder(
            dataclasses.replace(worker.encoder, id=new_id(), version="2", digest="e" * 64)
        )
    assert [mend_tracks(service.database, ["fake"]) for _ in range(2)] == [3, 0]
    with service.database.transaction() as tx:
        done = tx.queue.claim(worker.id, limit=2, deadline=timedelta(minutes=1))
        for job in done:
            tx.queue.finish(job.id, job.token)
    assert mend_tracks(service.database, ["fake"]) == 2


def test_changes_older_than_a_week_are_forgotten():
    now = utc_now()
    database = MemoryDatabase(lambda: now)
    for days in (8, 6):
        now = utc_now() - timedelta(days=days)
        with database.transaction() as tx:
            tx.changes.append(DEFAULT_LIBRARY, ChangeKind.TRACK_ADDED, new_id())
    assert forget_changes(database) == 1
    with database.transaction() as tx:
        assert [change.seq for change in tx.changes.after(0)] == [2]


class ReadOnly(MemoryDatabase):
    """Refuses to write."""

    def transaction(self, *, read_only=False):
        assert read_only
        return super().transaction(read_only=True)


def test_looking_for_tracks_to_mend_keeps_no_writer_waiting():
    database = MemoryDatabase()
    with database.transaction() as tx:
        tx.catalogue.announce_encoder(EncoderInfo(new_id(), "fake", "1", "f" * 64, (Space("x", 2),)))
    database.__class__ = ReadOnly
    assert mend_tracks(database, ["fake"]) == 0


class AwayDatabase(MemoryDatabase):
    """Never answers."""

    def transaction(self, *, read_only=False):
        raise DatabaseUnavailable("away")


class Ingest:
    """Counts how often it was asked, and fails."""

    settled = 0

    def settle(self):
        self.settled += 1
        raise ZeroDivisionError


@pytest.mark.parametrize("rounds", [1, 3])
def test_a_chore_that_fails_keeps_no_other_from_being_done(rounds, caplog):
    ingest = Ingest()
    keeper = Housekeeper(AwayDatabase(), None, ingest, ["fake"], interval_s=0.01)
    for _ in range(rounds):
        keeper.round()
    assert ingest.settled == rounds
