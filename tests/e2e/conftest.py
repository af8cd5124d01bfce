"""A real service with its real worker, music made on the spot, and Chromium to look at the page with."""

import contextlib
import csv
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import av
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, Route, sync_playwright

from benchmarks.service_catalogue import seed

RATE_HZ = 22_050
SECONDS = 12.0
FORMATS = {"wav": ("pcm_s16le", RATE_HZ), "mp3": ("libmp3lame", RATE_HZ), "ogg": ("libopus", 48_000)}
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class Instrument:
    """Strength of each harmonic, how fast a note fades (per second), and how much noise it has."""

    harmonics: tuple[float, ...]
    fading: float
    noise: float


INSTRUMENTS = {
    "flute": Instrument((1.0, 0.15, 0.05), 0.6, 0.02),
    "organ": Instrument((1.0, 0.8, 0.6, 0.5, 0.4, 0.3), 0.1, 0.0),
    "harp": Instrument((1.0, 0.5, 0.3, 0.2, 0.1), 6.0, 0.0),
    "drum": Instrument((1.0, 0.1), 14.0, 0.8),
}
TEMPOS_BPM = {"slow": 72, "walking": 104, "fast": 156}
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)


def play(instrument: Instrument, tempo_bpm: float, *, root: int, scale: tuple[int, ...], seed: int) -> Waveform:
    """A tune: every note a beat, accents on the first of four. Returns (T,) samples in [-0.8, 0.8]."""
    rng = np.random.default_rng(seed)
    beat_s = 60.0 / tempo_bpm
    time_s = np.arange(int(beat_s * RATE_HZ)) / RATE_HZ
    notes = []
    for beat in range(int(np.ceil(SECONDS / beat_s))):
        pitch_hz = 130.8 * 2 ** ((root + rng.choice(scale)) / 12)
        tone = sum(a * np.sin(2 * np.pi * pitch_hz * (n + 1) * time_s) for n, a in enumerate(instrument.harmonics))
        tone = tone + instrument.noise * rng.normal(size=time_s.size)
        notes.append(tone * np.exp(-instrument.fading * time_s) * (1.0 if beat % 4 == 0 else 0.6))
    tune = np.concatenate(notes)[: int(SECONDS * RATE_HZ)]
    return (0.8 * tune / np.abs(tune).max()).astype(np.float32)


def encode(waveform: Waveform, suffix: str, title: str) -> bytes:
    """Mono samples as a file with tags."""
    codec, rate_hz = FORMATS[suffix]
    out = io.BytesIO()
    with av.open(out, "w", format=suffix) as target:
        target.metadata.update(title=title, artist="The Oscillators")
        stream = target.add_stream(codec, rate=rate_hz, layout="mono")
        resampler = av.AudioResampler(
            format=stream.codec_context.codec.audio_formats[0].name,
            layout="mono",
            rate=rate_hz,
            frame_size=stream.frame_size or None,
        )
        frame = av.AudioFrame.from_ndarray(waveform[None], format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        for ready in [*resampler.resample(frame), *resampler.resample(None)]:
            target.mux(stream.encode(ready))
        target.mux(stream.encode(None))
    return out.getvalue()


@pytest.fixture(scope="session")
def tunes() -> dict[str, Waveform]:
    """A dozen tunes by name: each instrument in each tempo, in different keys."""
    result = {}
    for number, (name, instrument) in enumerate(INSTRUMENTS.items()):
        for step, (pace, tempo_bpm) in enumerate(TEMPOS_BPM.items()):
            scale = MAJOR if (number + step) % 2 else MINOR
            root = (5 * number + 2 * step) % 12
            result[f"{pace} {name}"] = play(instrument, tempo_bpm, root=root, scale=scale, seed=10 * number + step)
    return result


@pytest.fixture(scope="session")
def music(tunes: dict[str, Waveform], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tunes as wav, mp3 and ogg."""
    folder = tmp_path_factory.mktemp("music")
    for number, (name, tune) in enumerate(tunes.items()):
        suffix = list(FORMATS)[number % len(FORMATS)]
        (folder / f"{name}.{suffix}").write_bytes(encode(tune, suffix, name))
    return folder


@pytest.fixture(scope="session")
def excerpt(tunes: dict[str, Waveform], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of the slow harp, quieter, as mp3."""
    file = tmp_path_factory.mktemp("excerpt") / "hummed.mp3"
    file.write_bytes(encode(0.5 * tunes["slow harp"][2 * RATE_HZ : 10 * RATE_HZ], "mp3", "hummed"))
    return file


@dataclass(frozen=True)
class Recording:
    """A piece of free music, and what its package says of it."""

    file: Path
    licence: str
    soundtrack: str


@pytest.fixture(scope="session")
def recordings() -> list[Recording]:
    """Thirty recordings. Where they are missing tests are skipped at a desk and fail in CI (see .ci/run)."""
    folder = os.environ.get("SOUNDKIN_TEST_MUSIC")
    if not folder:
        message = "SOUNDKIN_TEST_MUSIC names no folder with the recordings that .ci/run fetches"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with (Path(__file__).parents[2] / "benchmarks" / "recordings.csv").open(newline="") as listing:
        rows = [row for row in csv.DictReader(listing) if (Path(folder) / row["path"]).is_file()]
    return [Recording(Path(folder) / row["path"], row["licence"], row["soundtrack"]) for row in rows]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Service:
    """``python -m app serve`` in a process group of its own."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        own = {"SOUNDKIN_PORT": str(self.port), "SOUNDKIN_DATA_DIR": str(self.folder / "data")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                env=os.environ | own | self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for("/healthz")

    def wait_for(self, path: str, seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not self.answers(path):
            assert time.monotonic() < end, f"{path} did not come up:\n{self.log()}"
            time.sleep(0.1)

    def answers(self, path: str) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"the service ended:\n{self.log()}"
        try:
            return httpx.get(self.url + path, timeout=10, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def wait_for_tracks(self, count: int, seconds: float = 10.0, *, indexes: int = 1) -> None:
        """Wait until every index has followed: a page that is loaded shows what there is at that moment."""
        end = time.monotonic() + seconds
        held: list[int] = []
        while held.count(count) != len(held) or len(held) < indexes:
            assert time.monotonic() < end, f"the indexes hold {held} tracks, not {count}"
            time.sleep(0.05)
            stats = httpx.get(f"{self.url}/v1/stats", timeout=10, trust_env=False).raise_for_status().json()
            held = [index["tracks"] for index in stats["index"]["indexes"]]

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-5000:]

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.process = None


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[Service]:
    service = Service(folder, environment)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with its worker, empty at first; the tests of a module share it."""
    with running(tmp_path_factory.mktemp("service")) as service:
        service.wait_for("/readyz")
        yield service


@pytest.fixture(scope="module")
def mixed_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """As ``service``, with two encoders, one of which has components; both have their (empty) indexes."""
    with running(tmp_path_factory.mktemp("service"), SOUNDKIN_ENCODERS="librosa,hdpgmm") as service:
        service.wait_for("/readyz")
        service.wait_for("/v1/encoders/hdpgmm/components")
        yield service


@pytest.fixture(scope="session")
def stocked_service(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with two encoders, one of which knows tags, and the tunes in it. Tests only read, or tidy up."""
    allowed = {"SOUNDKIN_WEBHOOK_HOSTS": "hooks.example.org"}
    with running(tmp_path_factory.mktemp("service"), SOUNDKIN_ENCODERS="librosa,csn", **allowed) as service:
        service.wait_for("/readyz")
        with httpx.Client(base_url=service.url, timeout=60, trust_env=False) as client:
            for number, file in enumerate(sorted(music.iterdir())):
                metadata = {"licence": "CC0" if number % 2 else "CC-BY-4.0"}
                sent = {"file": (file.name, file.read_bytes())}
                client.post("/v1/tracks", files=sent, data={"metadata": json.dumps(metadata)}).raise_for_status()
        service.wait_for_tracks(12, seconds=180, indexes=2)
        yield service


@pytest.fixture
def idle_service(tmp_path: Path) -> Iterator[Service]:
    """A service without any worker."""
    with running(tmp_path, SOUNDKIN_EMBEDDED_WORKER="false") as service:
        yield service


@pytest.fixture
def locked_service(tmp_path: Path) -> Iterator[Service]:
    """A service without any worker that asks for a key."""
    with running(tmp_path, SOUNDKIN_EMBEDDED_WORKER="false", SOUNDKIN_ADMIN_KEY="open-sesame" * 3) as service:
        yield service


@pytest.fixture(scope="module")
def large_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without any worker, with 10 000 made-up tracks of one encoder."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "data").mkdir()
    seed(f"sqlite:///{folder / 'data' / 'soundkin.sqlite3'}", 10_000)
    with running(folder, SOUNDKIN_EMBEDDED_WORKER="false") as service:
        service.wait_for("/readyz")
        service.wait_for_tracks(10_000, seconds=60)
        yield service


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium. A missing one skips at a desk and fails in CI."""
    path = os.environ.get("SOUNDKIN_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path:
        return path
    message = "no Chromium: install it, or name it in SOUNDKIN_TEST_CHROMIUM"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright keeps an event loop running in this thread: gone before other tests want one of their own."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_ARGUMENTS))
    yield browser
    browser.close()


@dataclass
class Observed:
    """What the browser complained about, and where it went."""

    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def watch(self, page: Page) -> None:
        page.on("console", self.note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        page.on("request", self.follow)

    def note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def follow(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).hostname or "")


@dataclass
class Visit:
    """A page in a browser, and what was seen of it."""

    page: Page
    seen: Observed

    def open(self, service: Service) -> Page:
        self.page.goto(service.url)
        return self.page

    def hold(self, pattern: str) -> list[Route]:
        """Keep requests back until the test lets them go on."""
        held: list[Route] = []

        def keep(route: Route) -> None:
            held.append(route)  # not the method itself: playwright writes on what it is given

        self.page.route(pattern, keep)
        return held

    def check(self, *, allowed: str = "never") -> None:
        """Nothing was complained about, save what is allowed, and no other machine was asked for anything."""
        assert [text for text in self.seen.complaints if allowed not in text] == []
        assert self.seen.hosts == {"127.0.0.1"}

    def heard_s(self) -> float:
        """How far the sound has come."""
        return float(self.page.locator("#audio").evaluate("audio => audio.currentTime"))

    def hear(self, *, from_s: float) -> None:
        """Wait until the sound has come so far. (``wait_for_function`` needs an eval that the page forbids.)"""
        end = time.monotonic() + 20
        while self.heard_s() < from_s:
            assert time.monotonic() < end, f"the sound stands at {self.heard_s()} s, waited for {from_s} s"
            self.page.wait_for_timeout(50)

    def keep_screenshot(self, name: str) -> None:
        """Save what is to be seen, where somebody wants to look at it."""
        folder = os.environ.get("SOUNDKIN_TEST_SCREENSHOTS")
        if folder:
            self.page.wait_for_timeout(500)
            self.page.screenshot(path=Path(folder) / f"{name}.png")


@contextlib.contextmanager
def visiting(browser: Browser, **context: object) -> Iterator[Visit]:
    opened = browser.new_context(**context)
    opened.set_default_timeout(20_000)
    seen = Observed()
    page = opened.new_page()
    seen.watch(page)
    yield Visit(page, seen)
    opened.close()


@pytest.fixture
def desktop(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, viewport={"width": 1440, "height": 960}, color_scheme="light") as visit:
        yield visit


@pytest.fixture
def dark_desktop(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, viewport={"width": 1440, "height": 960}, color_scheme="dark") as visit:
        yield visit


@pytest.fixture
def phone(browser: Browser) -> Iterator[Visit]:
    with visiting(browser, viewport={"width": 390, "height": 844}, has_touch=True) as visit:
        yield visit
