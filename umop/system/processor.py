"""What makes PyTorch fast on a processor; it is read when PyTorch is imported."""

from __future__ import annotations

import ctypes
import os
import platform

SETTINGS = {"OMP_WAIT_POLICY": "PASSIVE", "THP_MEM_ALLOC_ENABLE": "1"}
"""Threads that wait leave their core to the data loader; large tensors lie in pages of 2 MiB."""
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
LARGEST_TRIM_THRESHOLD = 2**31 - 1
LARGEST_MMAP_THRESHOLD = 2**25
"""The most that glibc takes."""


def tune_processor() -> None:
    """Settles how this process and its children wait for threads and keep memory.

    Called before PyTorch is imported. What the user's environment says stays.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Tells glibc's allocator to keep what is freed; other C libraries stay as they are.

    By default each large tensor comes from the kernel as zeroed pages and goes back when it is
    freed, in every step anew.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(M_TRIM_THRESHOLD, LARGEST_TRIM_THRESHOLD)
