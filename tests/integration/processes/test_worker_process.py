"""The supervision of the embedded worker, with a stand-in."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from app.adapters.worker_process import WorkerProcess

PATIENT = "import sys; sys.stdin.read()"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"


def supervise(script, **given):
    return WorkerProcess(command=[sys.executable, "-c", script], backoff_s=(0.05,), **{"grace_s": 5, **given})


def until(condition, within_s=10.0):
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


@pytest.fixture
def worker():
    made = supervise(PATIENT)
    made.start()
    yield made
    made.close()


def test_a_worker_that_was_killed_is_started_again(worker):
    first = until(lambda: worker.pid)
    os.kill(first, signal.SIGKILL)
    second = until(lambda: worker.pid not in {None, first} and worker.pid)
    assert psutil.pid_exists(second)
    assert worker.trouble() is None


def test_a_stop_ends_the_worker(worker):
    pid = until(lambda: worker.pid)
    worker.close()
    assert not psutil.pid_exists(pid)


def test_a_worker_that_cannot_live_is_trouble_with_its_reason():
    made = supervise("raise SystemExit(7)")
    made.start()
    until(lambda: made.trouble() == "ended with exit status 7")
    made.close()


def test_a_command_that_does_not_exist_is_trouble():
    made = WorkerProcess(command=["/nonexistent/worker"], grace_s=1, backoff_s=(0.05,))
    made.start()
    assert "cannot be started" in until(lambda: "cannot" in (made.trouble() or "") and made.trouble())
    made.close()


def test_a_worker_that_does_not_listen_is_killed_after_the_grace_period():
    made = supervise(STUBBORN, grace_s=-4.5)
    made.start()
    pid = until(lambda: made.pid)
    time.sleep(0.3)
    made.close()
    assert not psutil.pid_exists(pid)


def test_the_worker_sees_the_death_of_its_parent():
    script = (
        "import sys, time; from app.adapters.worker_process import WorkerProcess\n"
        "from app.logs import configure_logging; configure_logging('error', json=False)\n"
        f"w = WorkerProcess(grace_s=1, command=[sys.executable, '-c', {PATIENT!r}]); w.start()\n"
        "while not w.pid: time.sleep(0.01)\n"
        "print(w.pid, flush=True); time.sleep(15)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        try:
            pid = int(parent.stdout.readline())
            assert psutil.pid_exists(pid)
        finally:
            parent.kill()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
