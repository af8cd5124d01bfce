"""How the C library keeps memory between uses."""

import ctypes
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
KEPT_BYTES = (1 << 31) - 1


def keep_freed_memory() -> None:
    """Let this process keep up to two gigabytes that it has freed, for what it allocates next.

    glibc gives large blocks back to the system at once, and the system clears every page that it hands out again: a
    fifth of the time of training on a CPU, and half of that of the taggers. Without glibc nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
