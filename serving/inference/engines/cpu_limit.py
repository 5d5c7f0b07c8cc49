"""The processors that a container may use, which may be fewer than the machine has."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpu_limit(cgroup: Path = CGROUP) -> int:
    """Returns the limit of this process's control group in whole processors; 0 where it has none.

    Libraries start as many threads as the machine has cores; beyond the limit the kernel stops all
    of them for most of each tenth of a second.

    Args:
        cgroup: Where control groups are mounted, version 2 or 1.
    """
    try:
        quota, period = _version_2(cgroup) if (cgroup / "cpu.max").exists() else _version_1(cgroup)
    except (OSError, ValueError):
        return 0
    return ceil(quota / period) if quota > 0 else 0


def usable_cores(cgroup: Path = CGROUP) -> int:
    """Returns how many cores this process may use, by its control group and its affinity.

    Args:
        cgroup: As `cpu_limit` takes it.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores = affinity or 1
    return min(cpu_limit(cgroup) or cores, cores)


def _version_2(cgroup: Path) -> tuple[int, int]:
    quota, period = (cgroup / "cpu.max").read_text().split()
    return (0 if quota == "max" else int(quota)), int(period)


def _version_1(cgroup: Path) -> tuple[int, int]:
    """Its quota is -1 where there is no limit."""
    quota, period = (
        int((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period")
    )
    return quota, period
