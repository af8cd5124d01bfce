"""One run that brings files into the catalogue: uploads in parallel, then jobs to their end."""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from app.api.schemas import JobResponse, TrackResponse
from app.cli.ledger import Ledger
from app.client import Client, EveryCallRefused, ServiceAway, ServiceRefused
from app.domain import JobState, TrackState

LOOK_S = 0.4
LOOKED_AT = 32
"""Jobs that are asked for in one look; workers take the oldest first, so those come first here too."""


class Stopped(Exception):
    """Somebody pressed Ctrl-C, or there is no point in going on: threads drop what they are doing."""


class Report(Protocol):
    """Hears how the ingest goes. Called from several threads at once."""

    def sent(self, file: Path, size: int) -> None:
        """So many bytes of the file have left."""

    def uploaded(self, file: Path) -> None: ...
    def settled(self) -> None: ...


@dataclass(slots=True)
class Tally:
    """What became of the files."""

    added: int = 0
    there: int = 0
    accepted: int = 0
    failed: dict[Path, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Uploaded:
    """What one upload led to: a job to follow, a track that was there, or a reason why not."""

    file: Path
    track: TrackResponse | None = None
    job: JobResponse | None = None
    reason: str | None = None
    fatal: Exception | None = None


class Ingestion:
    """One run over a number of files.

    Args:
        client: Calls the service; its ``sleep`` should end when ``stopping`` is set.
        ledger: Remembers what was uploaded before.
        metadata: Sent with every file.
        report: Hears about progress.
        stopping: Set from outside to end the run early.
    """

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        metadata: Mapping[str, Any],
        report: Report,
        stopping: threading.Event,
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._metadata = metadata
        self._report = report
        self._stopping = stopping
        self._uploads: queue.Queue[_Uploaded] = queue.Queue()
        self._jobs: dict[str, Path] = {}
        self.tally = Tally()

    def run(self, files: Sequence[Path], *, jobs: int, wait: bool) -> None:
        """Upload every file and, with ``wait``, follow each until it can be found.

        Raises:
            ServiceAway: The service went away and did not come back in time.
            EveryCallRefused: For a reason that is not the files'.
            KeyboardInterrupt: As it came; the uploads under way are given up first.
        """
        with ThreadPoolExecutor(jobs, thread_name_prefix="upload") as pool:
            try:
                for file in files:
                    pool.submit(self._upload, file)
                self._follow(len(files), wait=wait)
            except BaseException:
                self._stopping.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _upload(self, file: Path) -> None:
        """Runs on a thread: whatever happens, exactly one result is handed over."""
        try:
            self._uploads.put(self._sent_before(file) or self._send(file))
        except Stopped:
            self._uploads.put(_Uploaded(file, reason="stopped"))
        except (ServiceAway, EveryCallRefused) as error:
            self._uploads.put(_Uploaded(file, fatal=error))
        except (ServiceRefused, OSError) as error:
            self._uploads.put(_Uploaded(file, reason=str(error)))
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits for it
            self._uploads.put(_Uploaded(file, fatal=error))

    def _sent_before(self, file: Path) -> _Uploaded | None:
        """Return the track of an earlier run, if the service still has it and did not give it up."""
        known = self._ledger.track_of(file)
        if known is None:
            return None
        try:
            track = self._client.track(known)
        except EveryCallRefused:
            raise
        except ServiceRefused:
            return None
        if track.state is TrackState.READY:
            return _Uploaded(file, track)
        latest = next(self._client.jobs(subject=known), None)
        return _Uploaded(file, track, latest) if track.state is TrackState.PENDING and latest else None

    def _send(self, file: Path) -> _Uploaded:
        def on_sent(size: int) -> None:
            if self._stopping.is_set():
                raise Stopped
            self._report.sent(file, size)

        answer = self._client.upload_track(file, self._metadata, on_sent=on_sent)
        self._ledger.note(file, answer.track.id)
        there = not answer.created and answer.track.state is TrackState.READY
        return _Uploaded(file, answer.track, None if there else answer.job)

    def _follow(self, files: int, *, wait: bool) -> None:
        """Take in what the uploads led to, and look at the jobs in between."""
        outstanding = files
        while outstanding or self._jobs:
            for uploaded in self._arrived(wait_s=LOOK_S):
                outstanding -= 1
                self._take(uploaded, wait=wait)
            for job_id, file in list(self._jobs.items())[:LOOKED_AT]:
                self._look(job_id, file)

    def _arrived(self, *, wait_s: float) -> Iterator[_Uploaded]:
        try:
            yield self._uploads.get(timeout=wait_s)
            while True:
                yield self._uploads.get_nowait()
        except queue.Empty:
            return

    def _take(self, uploaded: _Uploaded, *, wait: bool) -> None:
        if uploaded.fatal is not None:
            raise uploaded.fatal
        self._report.uploaded(uploaded.file)
        if uploaded.reason is not None:
            self._fail(uploaded.file, uploaded.reason)
        elif uploaded.job is None:
            self.tally.there += 1
            self._report.settled()
        elif wait:
            self._jobs[uploaded.job.id] = uploaded.file
        else:
            self.tally.accepted += 1

    def _look(self, job_id: str, file: Path) -> None:
        try:
            job = self._client.job(job_id)
        except EveryCallRefused:
            raise
        except ServiceRefused as error:  # the track was removed, and its jobs with it
            self._end(job_id, file, str(error))
            return
        if job.state is JobState.DONE:
            self._end(job_id, file, None)
        elif job.state.is_final:
            self._end(job_id, file, job.error.message if job.error else f"The job was {job.state}.")

    def _end(self, job_id: str, file: Path, reason: str | None) -> None:
        del self._jobs[job_id]
        if reason is not None:
            self._fail(file, reason)
        else:
            self.tally.added += 1
            self._report.settled()

    def _fail(self, file: Path, reason: str) -> None:
        self.tally.failed[file] = reason
        self._report.settled()
