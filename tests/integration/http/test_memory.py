"""Memory of the web process while it takes in uploads of different sizes."""

import subprocess
import sys
import textwrap
import time

import httpx
import psutil

SERVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    import uvicorn
    from app.adapters.audio_store import LocalAudioStore
    from app.adapters.doorbell import SilentDoorbell
    from app.adapters.memory_database import MemoryDatabase
    from app.adapters.memory_index import MemoryIndex
    from app.adapters.memory_webhooks import MemoryWebhookSender
    from app.adapters.rate_limiter import MemoryRateLimiter
    from app.domain import Metadata
    from app.main import create_app
    from app.ports import Ports, Probe
    from app.settings import Settings

    class AnyProbe:
        def probe(self, path):
            return Probe("audio/wav", "pcm_s16le", 44_100, 2, 1.0, Metadata())

        def close(self):
            pass

    folder = Path(sys.argv[1])
    ports = Ports(
        MemoryDatabase(),
        LocalAudioStore(folder),
        AnyProbe(),
        SilentDoorbell(),
        lambda _, encoder: MemoryIndex(encoder),
        MemoryRateLimiter(),
        MemoryWebhookSender(),
    )
    app = create_app(Settings(_env_file=None, data_dir=folder), ports)

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets)
            print(self.servers[0].sockets[0].getsockname()[1], flush=True)

    Server(uvicorn.Config(app, port=0, log_config=None)).run()
    """
)
MIB = 1024 * 1024


def zeros(size, first):
    """A wav-like file of so many MiB in a multipart body."""
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF' + first
    block = bytes(MIB)
    for _ in range(size):
        yield block
    yield b"\r\n--b--\r\n"


def test_memory_does_not_grow_with_the_size_of_an_upload(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"
            small, large = (peak_during(process, url, size) for size in (20, 300))
        finally:
            process.terminate()
    assert large - small < 16 * MIB


def peak_during(process, url, size):
    watched = psutil.Process(process.pid)
    peak = 0

    def watching():
        nonlocal peak
        for chunk in zeros(size, str(size).encode()):
            peak = max(peak, watched.memory_info().rss)
            yield chunk

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = httpx.post(f"{url}/v1/tracks", content=watching(), headers=headers, timeout=120, trust_env=False)
    assert answer.status_code == 202
    assert answer.json()["track"]["size_bytes"] == size * MIB + 4 + len(str(size))
    time.sleep(0.1)
    return max(peak, watched.memory_info().rss)
