"""Keeps the C library from giving memory back to the system and asking for it again in every step."""

import ctypes
import sys

# of glibc's malloc.h; the greatest value that the call takes
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
LARGEST = 2**31 - 1
TOP_PAD_BYTES = 256 * 2**20


def keep_freed_memory() -> None:
    """Let this process reuse what it has freed; does nothing where the C library is not glibc.

    Activations of tens of megabytes come and go with each step. By default each is mapped anew, and the system
    has to clear its pages, which takes a large part of the time of a step on a CPU.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGEST)
        mallopt(M_TRIM_THRESHOLD, LARGEST)
        mallopt(M_TOP_PAD, TOP_PAD_BYTES)
