"""Looking into files outside this process: ``python -m models.probe`` answers one JSON line per file.

A file that makes a decoder crash or hang costs its uploader a refusal, and everybody else nothing.
"""

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import structlog

from app.domain import Metadata
from app.errors import AudioRefused, StorageUnavailable
from app.ports import Probe

log = structlog.get_logger(__name__)

COMMAND = (sys.executable, "-m", "models.probe")
START_LIMIT_S = 60.0
"""The first answer of a fresh process may also need the time to import the decoder."""


class SubprocessProbe:
    """A few probing processes, started when first needed; they end when their standard input does."""

    def __init__(
        self,
        *,
        time_limit_s: float = 20.0,
        processes: int = 2,
        start_limit_s: float = START_LIMIT_S,
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._time_limit_s = time_limit_s
        self._idle: queue.LifoQueue[_Prober] = queue.LifoQueue()
        self._probers = [_Prober(command, start_limit_s) for _ in range(processes)]
        for prober in self._probers:
            self._idle.put(prober)

    def probe(self, path: Path) -> Probe:
        with self._a_prober() as prober:
            answer = prober.ask(path, self._time_limit_s)
        if not answer.get("ok"):
            raise AudioRefused(
                f"This file is not audio that can be used: {answer.get('reason', 'no reason given')}."
            )
        return _to_probe(answer)

    def close(self) -> None:
        """End every process."""
        for prober in self._probers:
            prober.stop()

    @contextmanager
    def _a_prober(self) -> Iterator["_Prober"]:
        prober = self._idle.get()
        try:
            yield prober
        finally:
            self._idle.put(prober)


class _Prober:
    """One process; used by one thread at a time."""

    def __init__(self, command: Sequence[str], start_limit_s: float) -> None:
        self._command = command
        self._start_limit_s = start_limit_s
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._fresh = True

    def ask(self, path: Path, time_limit_s: float) -> Mapping[str, Any]:
        """Return the process's answer. Raises ``AudioRefused`` when the file made it hang or die."""
        process = self._running()
        try:
            _send(process, {"path": str(path)})
            line = self._answers.get(timeout=time_limit_s + (self._start_limit_s if self._fresh else 0.0))
        except queue.Empty as error:
            self.stop()
            raise AudioRefused(f"Looking into this file took longer than {time_limit_s:.0f} s.") from error
        except OSError:
            line = ""
        if not line:
            raise self._died()
        self._fresh = False
        return _parsed(line)

    def stop(self) -> None:
        """End the process at once, if it runs."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            _close(process)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            self._answers = queue.SimpleQueue()
            self._fresh = True
            self._process = _start(self._command)
            threading.Thread(
                target=_read_lines, args=(self._process.stdout, self._answers), name="probe", daemon=True
            ).start()
        return self._process

    def _died(self) -> Exception:
        """Say why the process ended: a fresh one that cannot even start is our fault, not the file's."""
        code = self._process.wait() if self._process else None
        self.stop()
        if self._fresh and code is not None and code > 0:
            log.error("the probing process does not start", command=self._command, code=code)
            return StorageUnavailable(
                "Uploads cannot be checked at the moment: the probing process does not start."
            )
        log.warning("a file made the probing process die", code=code)
        return AudioRefused("This file makes the decoder crash.")


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
        )
    except OSError as error:
        raise StorageUnavailable(f"Uploads cannot be checked at the moment: {error}.") from error


def _send(process: subprocess.Popen[str], question: Mapping[str, str]) -> None:
    if process.stdin is not None:
        process.stdin.write(json.dumps(question) + "\n")
        process.stdin.flush()


def _read_lines(stream: TextIO, answers: "queue.SimpleQueue[str]") -> None:
    """Pass lines on; an empty one says that the process is gone."""
    try:
        for line in stream:
            answers.put(line)
    except ValueError:
        log.debug("the probing process was stopped")
    answers.put("")


def _close(process: subprocess.Popen[str]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            try:
                stream.close()
            except OSError:
                log.debug("pipe to the probing process was broken")


def _parsed(line: str) -> Mapping[str, Any]:
    answer = json.loads(line)
    if not isinstance(answer, dict):
        raise TypeError(f"the probing process answered {line[:80]!r}, expected a JSON object")
    return answer


def _to_probe(answer: Mapping[str, Any]) -> Probe:
    tags = answer.get("metadata", {})
    return Probe(
        content_type=answer["content_type"],
        codec=answer["codec"],
        sample_rate_hz=answer["sample_rate_hz"],
        channels=answer["channels"],
        duration_s=answer["duration_s"],
        metadata=Metadata(
            title=tags.get("title"),
            artist=tags.get("artist"),
            album=tags.get("album"),
            licence=tags.get("licence"),
            tags=tuple(tags.get("tags", ())),
            extra=tags.get("extra", {}),
        ),
    )
