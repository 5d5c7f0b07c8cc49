"""The names of all files below a folder."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from umop.data.files.names import SYSTEM_FOLDERS
from umop.data.files.reading import refuse_folder

_TASKS = ("detect", "segment", "pose", "obb", "classify")
"""Ultralytics writes predicted labels below ``runs/detect``."""


def walk(root: Path, links: dict[str, str] | None = None) -> Iterator[str]:
    """The names of all files below a folder, those behind links to folders last.

    A folder that has links to it is found once, under its own name. Hidden files are left out, and
    runs, Ultralytics' as well: a folder of images may be where training is started.

    Args:
        root: The folder.
        links: Takes the names of links to folders that have another name, with that.

    Raises:
        UserError: A folder cannot be listed.
    """
    seen: dict[str, str] = {}
    starts = deque([str(root)])
    while starts:
        for here, folders, files in os.walk(starts.popleft(), onerror=refuse_folder):
            real, name = os.path.realpath(here), _relative(here, root)
            if real in seen or _is_run(here, files):
                folders.clear()
                if links is not None and real in seen:
                    links[name] = seen[real]
                continue
            seen[real] = name
            folders[:] = [each for each in folders if not each.startswith(SYSTEM_FOLDERS)]
            inside = (Path(here, each) for each in sorted(folders))
            starts.extend(str(path) for path in inside if path.is_symlink())
            prefix = f"{name}/" if name else ""
            yield from (prefix + each for each in files if not each.startswith("."))


def _relative(here: str, root: Path) -> str:
    return "" if here == str(root) else PurePosixPath(here).relative_to(root).as_posix()


def _is_run(folder: str, files: Sequence[str]) -> bool:
    """Whether a folder is one of training's runs, or holds Ultralytics' of one task."""
    path = Path(folder)
    return path.parent.name == "runs" and (".lock" in files or path.name in _TASKS)
