"""Returns memory that imports used to the operating system, where glibc would keep it for later."""

import contextlib
import ctypes
from typing import Final

_TRIM_THRESHOLD: Final = -1, 2 * 1024 * 1024
_MMAP_THRESHOLD: Final = -3, 4 * 1024 * 1024
"""Parameters of ``mallopt`` and their values in bytes; malloc.h has the numbers."""


def limit_kept_memory() -> None:
    """Fix two thresholds of glibc: when it maps a block on its own, and when it trims a heap.

    Both would grow with the largest block that was ever freed, up to 32 and 64 MiB.
    """
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        libc = ctypes.CDLL(None)
        libc.mallopt(*_TRIM_THRESHOLD)
        libc.mallopt(*_MMAP_THRESHOLD)


def return_freed_memory() -> None:
    """Return what is free inside the heaps. It takes some milliseconds, without the GIL."""
    with contextlib.suppress(OSError, AttributeError):  # not glibc
        ctypes.CDLL(None).malloc_trim(0)
