"""Memory that is freed and allocated again: the system hands out its pages once, or every time."""

import os
import subprocess
import sys

import pytest

from models import allocation

COUNT = """
import resource
import sys
import numpy as np
from models.allocation import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    np.full(8_000_000, 1.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how):
    """Pages that the system had to clear; small ones, of which there are as many on every machine."""
    small = os.environ | {"NUMPY_MADVISE_HUGEPAGE": "0"}
    run = subprocess.run([sys.executable, "-c", COUNT, how], env=small, capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mallopt is glibc's")
def test_memory_that_was_freed_is_not_cleared_again():
    assert faults("kept") < faults("given back") / 4


def test_elsewhere_than_on_linux_nothing_is_done(monkeypatch):
    monkeypatch.setattr(allocation.sys, "platform", "darwin")
    monkeypatch.setattr(allocation.ctypes, "CDLL", None)
    allocation.keep_freed_memory()
