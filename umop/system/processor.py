"""What makes PyTorch fast on a processor; it is read when PyTorch is imported."""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from pathlib import Path

from umop.system.errors import UserError

PROCESSOR_VARIABLES = {"OMP_WAIT_POLICY": "PASSIVE", "THP_MEM_ALLOC_ENABLE": "1"}
"""Threads that wait leave their core to the data loader; large tensors lie in pages of 2 MiB."""
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST_TRIM_THRESHOLD = 2**31 - 1
_LARGEST_MMAP_THRESHOLD = 2**25
"""The most that glibc takes."""


HIDES = "_UMOP_HIDES_GPUS"
"""The variable that says which process has set its GPUs aside."""
DRIVER = Path("/dev/nvidiactl")
"""Is there where a GPU of NVIDIA's may be."""


def tune_processor() -> None:
    """Settles how this process and its children wait for threads and keep memory.

    Called before PyTorch is imported. What the user's environment says stays.
    """
    for name, value in PROCESSOR_VARIABLES.items():
        os.environ.setdefault(name, value)
    keep_freed_memory()


def keep_freed_memory() -> None:
    """Tells glibc's allocator to keep what is freed; other C libraries stay as they are.

    By default each large tensor comes from the kernel as zeroed pages and goes back when it is
    freed, in every step anew.
    """
    if platform.libc_ver()[0] == "glibc":
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST_TRIM_THRESHOLD)


def choose_processor(wanted: bool) -> None:
    """Sets the GPUs aside where the processor is wanted, as long as this process runs.

    CUDA looks for them once, so a process computes on GPUs or on the processor. The processes that
    it starts do as it does.

    Raises:
        UserError: This one has computed on the other.
    """
    if wanted:
        if os.environ.get("CUDA_VISIBLE_DEVICES") != "":
            os.environ.update({"CUDA_VISIBLE_DEVICES": "", HIDES: str(os.getpid())})
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            raise UserError(
                "This program has looked at its GPUs already. For --device cpu, start it anew with "
                "CUDA_VISIBLE_DEVICES set to nothing."
            )
    elif os.environ.get(HIDES) == str(os.getpid()) and DRIVER.exists():
        raise UserError(
            "This program has trained with --device cpu, and so has set its GPUs aside. Start it "
            "anew to train on them."
        )
