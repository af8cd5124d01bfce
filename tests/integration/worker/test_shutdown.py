"""How a worker starts and ends."""

import os
import signal
import subprocess
import sys
import time

import psutil

from app.domain import JobState


def test_on_sigterm_a_worker_finishes_what_it_has_and_takes_nothing_more(sqlite_stage, wait_for):
    at_work = sqlite_stage.add("work 2.5")
    worker = sqlite_stage.start(WORKER_THREADS="1")
    sqlite_stage.wait_until_acting(at_work)
    waiting = sqlite_stage.add("nothing")
    worker.terminate()
    assert worker.process.wait(15) == 0
    assert sqlite_stage.look(at_work).state is JobState.DONE
    assert sqlite_stage.look(waiting).state is JobState.QUEUED
    assert sqlite_stage.alive() == 0


def test_ctrl_c_lets_jobs_finish_although_everybody_hears_it(sqlite_stage):
    """The terminal signals the whole group, and the web process then stops its worker once more."""
    job = sqlite_stage.add("work 2")
    worker = sqlite_stage.start()
    sqlite_stage.wait_until_acting(job)
    os.killpg(worker.process.pid, signal.SIGINT)
    worker.terminate()
    assert worker.process.wait(15) == 0
    finished = sqlite_stage.look(job)
    assert (finished.state, finished.crashes) == (JobState.DONE, 0)


def test_a_second_ctrl_c_hands_back_the_jobs_at_once(sqlite_stage, wait_for):
    job = sqlite_stage.add("work 600")
    worker = sqlite_stage.start(DRAIN_S="600")
    sqlite_stage.wait_until_acting(job)
    worker.process.send_signal(signal.SIGINT)
    wait_for(lambda: "worker.draining" in worker.log, 10)
    worker.process.send_signal(signal.SIGINT)
    assert worker.process.wait(15) == 0
    assert sqlite_stage.look(job).state is JobState.QUEUED


def test_what_does_not_fit_in_the_grace_period_is_handed_back(sqlite_stage):
    job = sqlite_stage.add("work 600")
    worker = sqlite_stage.start(DRAIN_S="0.3")
    sqlite_stage.wait_until_acting(job)
    worker.terminate()
    assert worker.process.wait(15) == 0
    back = sqlite_stage.look(job)
    assert (back.state, back.attempts, back.crashes, back.losses) == (JobState.QUEUED, 0, 0, 0)


def test_a_worker_ends_with_whoever_started_it_and_hands_back_its_jobs(sqlite_stage, wait_for):
    job = sqlite_stage.add("work 600")
    worker = sqlite_stage.start("--die-with-parent")
    sqlite_stage.wait_until_acting(job)
    child = worker.child()
    worker.process.stdin.close()
    assert worker.process.wait(10) == 0
    wait_for(lambda: not psutil.pid_exists(child.pid), 5)
    assert sqlite_stage.look(job).state is JobState.QUEUED


def test_a_worker_that_cannot_start_says_why_and_ends(sqlite_stage):
    worker = sqlite_stage.start(SCENE="scenes:unfit")
    assert worker.process.wait(20) == 2
    assert "Ask for cpu or auto" in worker.log


def test_a_child_that_dies_while_starting_is_not_started_again_at_once(sqlite_stage, wait_for):
    worker = sqlite_stage.start(SCENE="scenes:broken")
    wait_for(lambda: "exited with status 7" in worker.log, 20)
    time.sleep(3)
    assert 2 <= worker.log.count("child.died") <= 5
    worker.terminate()
    assert worker.process.wait(10) == 0


def test_the_supervisor_is_light():
    """It must never be slow to beat: nothing that computes is loaded into it."""
    code = (
        "import sys, workers.__main__; print([m for m in ('torch', 'librosa', 'av', 'faiss') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
