"""What the child of a test's worker does instead of embedding: what the title of the track says.

It knows neither torch nor audio, so that it starts at once; all around it (crew, pipe, supervisor, queue, database)
is the real thing. A track whose job was done leaves one ``track.embedded`` in the change log: its effect.
"""

import ctypes
import os
import signal
import time
from contextlib import contextmanager
from functools import partial

from app.domain import ChangeKind, TrackState
from app.errors import DatabaseUnavailable, StorageUnavailable
from app.logs import configure_logging
from app.wiring import open_database
from models.errors import AudioUnreadable
from workers.crew import Crew
from workers.messages import Ready, Unfit
from workers.outage import outlast


def main(connection, plan):
    settings, threads = plan
    configure_logging("info", json=False)
    database = open_database(settings)
    crew = Crew(connection, partial(play, database), threads)
    crew.tell(Ready("cpu", ()))
    crew.serve()


def unfit(connection, _plan):
    connection.send(Unfit("The device 'cuda' was asked for, and there is none. Ask for cpu or auto."))


def broken(_connection, _plan):
    os._exit(7)


def play(database, job, watch):
    """Do one job: an act, then its effect and its end in one transaction."""
    track = outlast(partial(look_up, database, job), watch.check)
    watch.reach("act", 0.0)
    verb, _, argument = track.metadata.title.partition(" ")
    ACTS[verb](argument, job, watch)
    watch.reach("store", 0.9)
    if verb == "unconfirmed":
        database = Unconfirmed(database, "finish", 1)
    outlast(partial(store, database, job, track), watch.check)


def look_up(database, job):
    with database.transaction() as tx:
        return tx.catalogue.track(job.library_id, job.subject)


def store(database, job, track):
    with database.transaction() as tx:
        tx.queue.finish(job.id, job.token)
        tx.catalogue.set_state(track.id, TrackState.READY)
        tx.changes.append(track.library_id, ChangeKind.TRACK_EMBEDDED, track.id, track.number)


class Unconfirmed:
    """A database that loses the answer to the first commits in which something was asked of the queue."""

    def __init__(self, database, method, times):
        self._database = database
        self._method = method
        self._times = times

    @contextmanager
    def transaction(self):
        asked = []
        with self._database.transaction() as tx:
            original = getattr(tx.queue, self._method)

            def spy(*args, **kwargs):
                answer = original(*args, **kwargs)
                asked.append(answer)
                return answer

            setattr(tx.queue, self._method, spy)
            yield tx
        if any(asked) and self._times:
            self._times -= 1
            raise DatabaseUnavailable("The commit went through, but the answer is lost.")


def nothing(_argument, _job, _watch):
    pass


def work(seconds, _job, watch):
    """Work in small steps, each of which notices when nobody waits any more."""
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        watch.check()
        time.sleep(0.02)


def hang(seconds, _job, _watch):
    time.sleep(float(seconds))


def hog(seconds, _job, _watch):
    """Hold the GIL: a call into C that does not let go of it."""
    ctypes.PyDLL(None).usleep(int(float(seconds) * 1e6))


def segfault(_argument, _job, _watch):
    time.sleep(0.1)  # others get into the same process
    signal.raise_signal(signal.SIGSEGV)


def refuse(reason, _job, _watch):
    raise AudioUnreadable(reason)


def stumble(times, job, _watch):
    if job.attempts < int(times):
        raise StorageUnavailable("the store does not answer")


ACTS = {
    "nothing": nothing,
    "unconfirmed": nothing,
    "work": work,
    "hang": hang,
    "hog": hog,
    "segfault": segfault,
    "refuse": refuse,
    "stumble": stumble,
}
