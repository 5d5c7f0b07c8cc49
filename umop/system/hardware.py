"""What a machine computes with."""

from __future__ import annotations

import ctypes
import os
import platform
import re
from contextlib import suppress
from pathlib import Path

from serving.shared import usable_cores

KERNEL_MODULE = Path("/proc/driver/nvidia/version")
_CPU_INFO = Path("/proc/cpuinfo")
GIB = 2**30


def cpu_name() -> str:
    """The processor's name, as Linux knows it; its architecture elsewhere."""
    with suppress(OSError):
        found = re.search(r"^model name\s*:\s*(.+)$", _CPU_INFO.read_text(), re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.machine()


def memory() -> int:
    """Bytes of main memory that this process may use: the container's limit where it has one."""
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no control group of version 2, or no limit ("max")
        return min(installed, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return installed


def gpu_count() -> int:
    """The GPUs that torch finds; none where torch itself is broken."""
    try:
        import torch
    except (ImportError, OSError):
        return 0
    return torch.cuda.device_count()


def devices() -> list[str]:
    """The names of the GPUs, or of the processor where there is none."""
    import torch

    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return [f"{platform.machine()} CPU, {usable_cores()} processors"]


def driver() -> str | None:
    """The version of NVIDIA's kernel driver; None where there is none."""
    try:
        text = KERNEL_MODULE.read_text()
    except OSError:
        return None
    version = re.search(r"\s(\d+\.\d+(\.\d+)?)\s", text)
    return version.group(1) if version else None


def driver_cuda() -> tuple[int, int] | None:
    """The newest CUDA that the driver runs, such as (13, 0); None without a driver."""
    version = ctypes.c_int()
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return None
    return version.value // 1000, version.value % 1000 // 10
