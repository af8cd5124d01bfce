"""The embedded worker: a child process that is started again when it dies, and never outlives us."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence

import structlog

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-m", "workers", "--embedded")
BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
LONG_ENOUGH_S = 60.0
"""A worker that lived this long was well: the next start after its death is immediate again."""


class WorkerProcess:
    """Supervises one worker from a thread of its own, which lives as long as the child does.

    The thread matters: Linux sends a child its parent-death signal when the *thread* that started it ends. The
    child also holds the reading end of a pipe whose writing end is ours, so that it notices our death anywhere.

    Args:
        grace_s: How long the worker may finish its jobs when we stop.
        environment: Variables that differ from our own.
        command: How to start it.
        backoff_s: Pauses between a death and the next start.
    """

    def __init__(
        self,
        *,
        grace_s: float,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = COMMAND,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._command = command
        self._environment = {**os.environ, **(environment or {})}
        self._grace_s = grace_s
        self._backoff_s = backoff_s
        self._stop = threading.Event()
        self._trouble: str | None = "it has not been started yet"
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._supervise, name="worker-supervisor")

    def start(self) -> None:
        """Start the worker, and again whenever it dies."""
        self._thread.start()

    def close(self) -> None:
        """Ask the worker to finish what fits in the grace period, then end it."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def trouble(self) -> str | None:
        """Why no worker runs at the moment; ``None`` when one does."""
        return self._trouble

    @property
    def pid(self) -> int | None:
        """The process id of the running worker."""
        process = self._process
        return process.pid if process else None

    def _supervise(self) -> None:
        deaths = 0
        while not self._stop.is_set():
            started = time.monotonic()
            reason = self._run_once()
            if self._stop.is_set():
                return
            deaths = 0 if time.monotonic() - started > LONG_ENOUGH_S else deaths + 1
            pause = self._backoff_s[min(deaths, len(self._backoff_s) - 1)]
            self._trouble = reason
            log.error("the worker died and is started again", reason=reason, in_s=pause, deaths=deaths)
            self._stop.wait(pause)

    def _run_once(self) -> str:
        """Run the worker until it dies or is told to stop; return how it ended."""
        try:
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE, env=self._environment)  # noqa: S603 - ours
        except OSError as error:
            return f"it cannot be started: {error}"
        self._process, self._trouble = process, None
        log.info("worker started", pid=process.pid)
        try:
            while process.poll() is None and not self._stop.wait(0.1):
                pass
            return _ending(self._ended(process))
        finally:
            self._process = None
            if process.stdin is not None:
                process.stdin.close()

    def _ended(self, process: "subprocess.Popen[bytes]") -> int:
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(self._grace_s + 5.0)
        except subprocess.TimeoutExpired:
            log.warning("the worker did not stop in time", grace_s=self._grace_s)
            process.kill()
            return process.wait()


def _ending(code: int) -> str:
    return f"ended by signal {-code}" if code < 0 else f"ended with exit status {code}"
