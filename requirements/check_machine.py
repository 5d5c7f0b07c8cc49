"""Says what a machine lacks for the environment, before minutes of downloads.

Run with the Python that the environment is made with, and the environment's folder as argument.
Ends with exit code 2 where something is missing.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ENVIRONMENT = 5_600_000_000
DOWNLOADS = 3_000_000_000
"""In the temporary folder until all is installed, and in pip's cache for the next time."""


def main() -> None:
    problems = [*python(), *compiler(), *disk_space(Path(sys.argv[1]).absolute())]
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    sys.exit(2 if problems else 0)


def python() -> Iterator[str]:
    if not (3, 10) <= sys.version_info < (3, 13):
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        yield (
            f"{sys.executable} is Python {version}, and this needs 3.10, 3.11 or 3.12. "
            "Name one: make PYTHON=python3.11 …"
        )


def compiler() -> Iterator[str]:
    command = os.environ.get("CXX", "c++")
    if shutil.which(command) is None and not has_mmcv():
        yield (
            f"mmcv's operators need a C++ compiler, and '{command}' is not found. Install one "
            "(Debian: apt-get install g++) or name it in CXX."
        )


def has_mmcv() -> bool:
    """Whether operators were compiled before, which may be for another version."""
    root = Path(os.environ.get("UMOP_CACHE") or Path.home() / ".cache" / "umop")
    return any(root.glob("wheels/*/*.whl"))


def disk_space(environment: Path) -> Iterator[str]:
    if environment.exists():  # it is only brought up to date
        return
    needed: Counter[Path] = Counter()
    needed[disk_of(environment)] += ENVIRONMENT
    needed[disk_of(Path(tempfile.gettempdir()))] += DOWNLOADS
    if "PIP_NO_CACHE_DIR" not in os.environ and not pip_cache().exists():
        needed[disk_of(pip_cache())] += DOWNLOADS
    for disk, size in needed.items():
        free = shutil.disk_usage(disk).free
        if free < size:
            yield (
                f"Making the environment takes {in_gigabytes(size)} of the disk at {disk}, and "
                f"{in_gigabytes(free)} are free. Make room. TMPDIR on another disk saves "
                f"{in_gigabytes(DOWNLOADS)} here, and PIP_NO_CACHE_DIR=1, which keeps no "
                "downloads for later, as much."
            )


def pip_cache() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("PIP_CACHE_DIR") or Path(cache, "pip")).absolute()


def disk_of(folder: Path) -> Path:
    """Where the disk is mounted that a folder is on, or would be."""
    while not folder.exists() or not folder.is_mount():
        folder = folder.parent
    return folder


def in_gigabytes(size: int) -> str:
    return f"{size / 10**9:.1f} GB"


if __name__ == "__main__":
    main()
