"""A real service process with real workers, once embedded on SQLite and once on PostgreSQL with Redis."""

import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import av
import httpx
import numpy as np
import pytest

RATE_HZ = 22_050


def melody(seed: int, seconds: float) -> np.ndarray:
    """Notes of one timbre, tempo and key, drawn from the seed: different enough to be told apart."""
    rng = np.random.default_rng(seed)
    beat_s = float(rng.choice([0.25, 0.33, 0.4, 0.5, 0.6]))
    harmonics = rng.uniform(0.05, 1.0, size=rng.integers(2, 9))
    root_hz = 110.0 * 2 ** (rng.integers(0, 12) / 12)
    scale = np.array([0, 2, 4, 5, 7, 9, 11] if rng.random() < 0.5 else [0, 2, 3, 5, 7, 8, 10])
    time_s = np.arange(int(beat_s * RATE_HZ)) / RATE_HZ
    decay = np.exp(-time_s * rng.uniform(1, 12))
    notes = []
    for _ in range(int(np.ceil(seconds / beat_s))):
        pitch_hz = root_hz * 2 ** (rng.choice(scale) / 12 + rng.integers(0, 2))
        note = sum(a * np.sin(2 * np.pi * pitch_hz * (n + 1) * time_s) for n, a in enumerate(harmonics))
        notes.append(note * decay)
    sound = np.concatenate(notes)[: int(seconds * RATE_HZ)]
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def encode(waveform: np.ndarray, container: str, codec: str, bit_rate: int | None = None) -> bytes:
    """Mono samples as a file of the format."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as target:
        stream = target.add_stream(codec, rate=RATE_HZ, layout="mono")
        if bit_rate:
            stream.bit_rate = bit_rate
        sample_format = stream.codec_context.codec.audio_formats[0].name
        frame = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        resampler = av.AudioResampler(
            format=sample_format, layout="mono", rate=RATE_HZ, frame_size=stream.frame_size or None
        )
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            for packet in stream.encode(ready):
                target.mux(packet)
        for packet in stream.encode(None):
            target.mux(packet)
    return out.getvalue()


@dataclass(frozen=True)
class Song:
    """Samples and the file that is uploaded."""

    waveform: np.ndarray
    filename: str
    data: bytes

    def excerpt(self, start_s: float, end_s: float) -> bytes:
        """A part of it as a quiet low-rate mp3."""
        part = self.waveform[int(start_s * RATE_HZ) : int(end_s * RATE_HZ)]
        return encode(part * 0.5, "mp3", "libmp3lame", 48_000)


@pytest.fixture(scope="session")
def songs() -> list[Song]:
    formats = [("wav", "wav", "pcm_s16le"), ("mp3", "mp3", "libmp3lame"), ("flac", "flac", "flac")]
    result = []
    for seed in range(9):
        suffix, container, codec = formats[seed % len(formats)]
        waveform = melody(seed, 24.0)
        result.append(Song(waveform, f"song-{seed}.{suffix}", encode(waveform, container, codec)))
    return result


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Service:
    """`soundkin serve` as a process of its own; everything it starts is in its process group."""

    folder: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60)

    def start(self) -> None:
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                env=os.environ | self.environment | {"SOUNDKIN_PORT": str(self.port)},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until(lambda: self.answers("/readyz"), "the service is ready", seconds=60)

    def command(self, *arguments: str) -> None:
        """Run `soundkin …` with the service's settings."""
        subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            env=os.environ | self.environment,
            cwd=self.folder,
            check=True,
            timeout=60,
        )

    @contextmanager
    def running(self) -> Iterator["Service"]:
        """Start, and leave nothing behind whatever happens."""
        try:
            self.start()
            yield self
            self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.kill_everything()

    def answers(self, path: str) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the service ended:\n{self.log()}"
        try:
            return httpx.get(self.url + path, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def log(self) -> str:
        return (self.folder / "service.log").read_text(errors="replace")[-4000:]

    def wait_until(self, condition: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds} s in vain until {what}\n{self.log()}"
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def kill(self) -> None:
        """kill -9 of the web process alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def kill_everything(self) -> None:
        """kill -9 of the web process, its workers and everything else it started."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


@pytest.fixture(scope="session")
def make_service() -> type[Service]:
    """Service(folder, environment), to be entered with `running()`."""
    return Service


@pytest.fixture(
    params=["embedded", pytest.param("production", marks=[pytest.mark.postgres, pytest.mark.redis])], scope="module"
)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The same suite on SQLite without Redis, and on PostgreSQL with Redis."""
    folder = tmp_path_factory.mktemp("service")
    environment = {"SOUNDKIN_DATA_DIR": str(folder / "data")}
    if request.param == "production":
        environment["SOUNDKIN_DATABASE_URL"] = request.getfixturevalue("module_postgres_url")
        environment["SOUNDKIN_REDIS_URL"] = request.getfixturevalue("redis_url")
    service = Service(folder, environment)
    service.command("db", "migrate")
    with service.running():
        yield service
