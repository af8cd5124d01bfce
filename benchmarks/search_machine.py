"""What the benchmark of searching runs on."""

import ctypes
import gc
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version

import faiss
import numpy as np
import psutil

_BYTES = 1 << 28
_REPEATS = 5


def bandwidth() -> float:
    """Bytes per second that one thread reads from memory: the best of a sum, a product and a copy of NumPy.

    A copy moves each byte twice.
    """
    source = np.ones(_BYTES // 4, dtype=np.float32)
    target = np.zeros_like(source)
    half = source[: len(source) // 2], source[len(source) // 2 :]
    works: list[tuple[int, Callable[[], object]]] = [
        (_BYTES, source.sum),
        (_BYTES, lambda: np.dot(*half)),
        (2 * _BYTES, lambda: np.copyto(target, source)),
    ]
    return max(size / _seconds(work) for size, work in works)


def _seconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return min(took)


def resident_bytes() -> int:
    """Memory of this process, without what it holds but has freed."""
    gc.collect()
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
    return int(psutil.Process().memory_info().rss)


def machine(bytes_per_s: float) -> dict[str, str | int | float]:
    """What a figure depends on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "bandwidth_gb_s": round(bytes_per_s / 1e9, 2),
        "python": platform.python_version(),
        "numpy": version("numpy"),
        "faiss": faiss.__version__,
        "faiss_options": faiss.get_compile_options().strip(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - a short read
            named = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        named = []
    return named[0] if named else platform.processor()
