"""A service in a process of its own, on the database that is measured."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

MIB = 1 << 20
PATIENCE_S = 3600.0

APPROXIMATE = "measured_at"
"""What an index says of itself once it answers by codes."""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@dataclass(slots=True)
class Service:
    """``soundkin serve`` without a worker; its log lies beside its data.

    Attributes:
        data: Where it keeps what it makes; the database, too, unless ``database`` names another one.
        database: URL, or ``None``.
    """

    data: Path
    database: str | None = None
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        """The database, named for others."""
        return self.database or f"sqlite:///{(self.data / 'soundkin.sqlite3').absolute()}"

    @property
    def snapshots(self) -> Path:
        """Where it keeps the snapshots of its indexes."""
        return self.data / "index"

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The process. Ends the program where there is none, or none any more."""
        if self._process is None or self._process.poll() is not None:
            sys.exit(f"The service does not run; see {self.data / 'service.log'}.")
        return self._process

    def forget_snapshots(self) -> None:
        """Let the next start build the indexes from the database."""
        shutil.rmtree(self.snapshots, ignore_errors=True)

    def launch(self) -> None:
        """Start the process, and do not wait."""
        environment = {
            "SOUNDKIN_DATA_DIR": str(self.data.absolute()),
            "SOUNDKIN_DATABASE_URL": self.database_url,
            "SOUNDKIN_EMBEDDED_WORKER": "false",
            "SOUNDKIN_PORT": str(self.port),
        }
        with (self.data / "service.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self) -> float:
        """Start; return the seconds until it is ready."""
        started = time.perf_counter()
        self.launch()
        self.wait_until(self.is_ready)
        return time.perf_counter() - started

    def is_refused(self) -> bool:
        """Whether nobody listens yet."""
        try:
            httpx.get(f"{self.url}/healthz", trust_env=False, timeout=60)
        except httpx.TransportError:
            return True
        return False

    def is_ready(self) -> bool:
        """Whether it can serve requests."""
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=60).is_success
        except httpx.TransportError:
            return False

    def wait_until(self, condition: Callable[[], bool], every_s: float = 0.05) -> None:
        """Wait as long as the process lives, or an hour."""
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit(f"Waited in vain; see {self.data / 'service.log'}.")
            time.sleep(every_s)

    def wait_for_codes(self) -> float:
        """Return the seconds until the index answers by codes; asked rarely, since each time tracks are counted."""
        started = time.perf_counter()
        self.wait_until(lambda: APPROXIMATE in self.index()["details"], every_s=5.0)
        return time.perf_counter() - started

    def stop(self) -> float:
        """Tell it to stop; return the seconds that this took, snapshots included."""
        started = time.perf_counter()
        process = self.process
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)
        self._process = None
        return time.perf_counter() - started

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None

    def index(self) -> dict[str, Any]:
        """What it says of its only index."""
        answer = httpx.get(f"{self.url}/v1/stats", trust_env=False, timeout=600).raise_for_status()
        [index] = answer.json()["index"]["indexes"]
        return index

    def agrees(self) -> bool:
        """Whether index and database hold the same."""
        answer = httpx.post(f"{self.url}/v1/index/check", trust_env=False, timeout=PATIENCE_S).raise_for_status()
        return bool(answer.json()["agrees"])

    def resident_mib(self) -> float:
        """Memory that it holds now."""
        return psutil.Process(self.process.pid).memory_info().rss / MIB

    def peak_mib(self) -> float:
        """The most memory that it has held since it started, as the kernel knows; what it holds now elsewhere."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return self.resident_mib()
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
