"""Peak memory of the web process while it takes in uploads of growing size, up to 2 GB.

Run: python benchmarks/upload_memory.py [--out upload_memory.json]. Starts a service of its own.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import httpx
import psutil

MIB = 1024 * 1024
SIZES_MIB = (1, 100, 500, 2000)


def wav(size_mib: int) -> Iterator[bytes]:
    """Yield a multipart body with a wav file of so many MiB: noise that repeats, so that it is cheap to make."""
    form = b"fmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0"
    head = b"RIFF\xff\xff\xff\xffWAVE" + form + b"data\xff\xff\xff\xff"
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + head
    block = os.urandom(MIB)
    for _ in range(size_mib):
        yield block
    yield b"\r\n--b--\r\n"


class Peak:
    """The highest resident memory of a process, sampled by a thread."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.mib = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.mib = max(self.mib, self._process.memory_info().rss / MIB)


def measure(url: str, pid: int, size_mib: int) -> dict[str, float]:
    started = time.perf_counter()
    with Peak(pid) as peak:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        answer = httpx.post(
            f"{url}/v1/tracks", content=wav(size_mib), headers=headers, timeout=600, trust_env=False
        )
    answer.raise_for_status()
    seconds = time.perf_counter() - started
    return {"size_mib": size_mib, "peak_mib": round(peak.mib, 1), "mib_per_s": round(size_mib / seconds, 1)}


def serve(folder: str, port: int) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "SOUNDKIN_DATA_DIR": folder,
        "SOUNDKIN_EMBEDDED_WORKER": "false",
        "SOUNDKIN_MAX_UPLOAD_BYTES": str(3 * 1024**3),
        "SOUNDKIN_LOG_LEVEL": "error",
    }
    return subprocess.Popen([sys.executable, "-m", "app", "serve", "--port", str(port)], env=environment)


def wait_until_ready(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit(f"nothing got ready at {url}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder, serve(folder, port) as process:
        try:
            wait_until_ready(url)
            results = [measure(url, process.pid, size) for size in SIZES_MIB]
        finally:
            process.terminate()
    print(f"{'upload MiB':>12}{'peak MiB':>12}{'MiB/s':>10}")
    for result in results:
        print(f"{result['size_mib']:>12}{result['peak_mib']:>12}{result['mib_per_s']:>10}")
    if out:
        out.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
