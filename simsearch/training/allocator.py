"""Keep the memory of one step for the next.

A step frees what it computed with, and glibc gives large blocks back to the system at once: half of
the time of a step on a CPU goes into getting the same pages again.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

# Of glibc's malloc.h; its defaults are 65,536 blocks by mmap and 128 KiB.
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let freed memory stay with the process, where its C library can; it goes back at the end."""
    libc = _glibc()
    if libc is None:
        yield
        return
    libc.mallopt(_MMAP_MAX, 0)
    libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:
        libc.mallopt(_MMAP_MAX, 65_536)
        libc.mallopt(_TRIM_THRESHOLD, 128 * 1024)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
