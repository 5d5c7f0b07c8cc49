"""The processors that a container may use, which may be fewer than the machine has."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def cpu_limit(cgroup: Path = _CGROUP) -> int:
    """Returns how many processors this process may use at most; 0 where it may use them all.

    Its control group and its affinity limit it. Libraries start as many threads as the machine has
    cores; beyond the limit they wait for one another, or the kernel stops all of them for most of
    each tenth of a second.

    Args:
        cgroup: Where control groups are mounted, version 2 or 1.
    """
    return min((limit for limit in (_quota(cgroup), _affinity()) if limit), default=0)


def usable_cores(cgroup: Path = _CGROUP) -> int:
    """Returns how many processors this process may use.

    Args:
        cgroup: As ``cpu_limit`` takes it.
    """
    return cpu_limit(cgroup) or os.cpu_count() or 1


def _affinity() -> int:
    """Processors that ``taskset`` or a container's set of them leaves; 0 where it leaves all."""
    if not hasattr(os, "sched_getaffinity"):  # macOS
        return 0
    cores = len(os.sched_getaffinity(0))
    return cores if cores < (os.cpu_count() or 1) else 0


def _quota(cgroup: Path) -> int:
    """The control group's processor time in whole processors; 0 where it is not limited."""
    try:
        quota, period = _version_2(cgroup) if (cgroup / "cpu.max").exists() else _version_1(cgroup)
    except (OSError, ValueError):
        return 0
    return ceil(quota / period) if quota > 0 else 0


def _version_2(cgroup: Path) -> tuple[int, int]:
    quota, period = (cgroup / "cpu.max").read_text().split()
    return (0 if quota == "max" else int(quota)), int(period)


def _version_1(cgroup: Path) -> tuple[int, int]:
    """Its quota is -1 where there is no limit."""
    quota, period = (
        int((cgroup / "cpu" / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period")
    )
    return quota, period
