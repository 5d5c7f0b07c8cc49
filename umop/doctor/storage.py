"""Shared memory, disks, and the folders that training reads and writes."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from serving.shared import cache_folder
from umop.doctor.diagnosis import Diagnosis
from umop.runs.folder import ROOT
from umop.system.console import counted
from umop.system.hardware import GIB, gpu_count

_DATA = Path("data")
_SHARED_MEMORY = Path("/dev/shm")
_GIB_A_PROCESS = 2
"""What a training process needs: RTMDet's ten data loaders hold 1.2 GB of batches, others less."""
LOW, TOO_LOW = 10 * GIB, 1 * GIB
"""Free space for a run: the largest model's checkpoints, and not even one of a small model."""


def shared_memory() -> Diagnosis:
    """Data-loader processes hand images over in shared memory."""
    if not _SHARED_MEMORY.is_dir():
        return Diagnosis("shared memory", "ok", f"no {_SHARED_MEMORY} on this system")
    processes = max(1, gpu_count())
    needed = _GIB_A_PROCESS * processes
    free = shutil.disk_usage(_SHARED_MEMORY).free
    users = counted(processes, "training process")
    found = f"{free / GIB:.2f} GiB free in {_SHARED_MEMORY}, for {users}"
    if free >= needed * GIB:
        return Diagnosis("shared memory", "ok", found)
    advice = (
        f"Give it {needed} GiB or more: docker run --shm-size={needed}g; in Kubernetes an "
        f"emptyDir with medium: Memory at {_SHARED_MEMORY}. Or train without data-loader "
        "processes: --set train_dataloader.num_workers=0 "
        "--set train_dataloader.persistent_workers=False"
    )
    return Diagnosis("shared memory", "warn", found, advice)


def runs() -> Diagnosis:
    """Runs must be written, and checkpoints are large."""
    folder = _existing(ROOT)
    if not _is_writable(folder):
        advice = f"Make {folder.resolve()} writable for this user, or start from another folder."
        return Diagnosis("runs", "fail", f"{ROOT}/ cannot be written", advice)
    free = shutil.disk_usage(folder).free
    found = f"{ROOT}/ can be written, {free / GIB:.1f} GiB free"
    if free >= LOW:
        return Diagnosis("runs", "ok", found)
    advice = "A run of the largest model keeps about 10 GiB of checkpoints."
    return Diagnosis("runs", "fail" if free < TOO_LOW else "warn", found, advice)


def data() -> Diagnosis:
    """Data is only read, except by the commands that fetch it."""
    if not _DATA.exists():
        found = f"no {_DATA}/ here; umop data fetches some, --data names another folder"
        return Diagnosis("data", "ok", found)
    try:
        names = sorted(path.name for path in _DATA.iterdir())
    except OSError as error:
        advice = "Make it readable for this user, or name another folder with --data."
        return Diagnosis("data", "warn", f"{_DATA}/ cannot be read: {error.strerror}", advice)
    access = "" if _is_writable(_DATA) else ", read-only"
    return Diagnosis("data", "ok", f"{_DATA}/ holds {', '.join(names) or 'nothing'}{access}")


def cache() -> Diagnosis:
    """What is fetched is kept in the cache."""
    folder = cache_folder("")
    if not _is_writable(_existing(folder)):
        advice = "Weights can only be read from it. UMOP_CACHE names another folder."
        return Diagnosis("cache", "warn", f"{folder} cannot be written", advice)
    free = shutil.disk_usage(_existing(folder)).free
    return Diagnosis("cache", "ok", f"{folder} can be written, {free / GIB:.1f} GiB free")


def weights() -> Diagnosis:
    """Pretrained weights are fetched when a training needs them, if there is a network."""
    names = sorted(path.name for path in cache_folder("weights").glob("*.pth"))
    found = ", ".join(names) or "none yet"
    return Diagnosis("weights", "ok", f"{found}; umop data weights CONFIG fetches a config's")


def _existing(folder: Path) -> Path:
    """A folder, or the nearest one above it that exists."""
    return next(path for path in (folder, *folder.absolute().parents) if path.exists())


def _is_writable(folder: Path) -> bool:
    """Whether a file can be made in a folder."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
