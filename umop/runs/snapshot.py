"""What a run's mirror gets: the files of the run as they are at one moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import BinaryIO

from umop.runs.checkpoints import by_age
from umop.runs.folder import POINTER, RunFolder

_NOT_MIRRORED = (".bundle", ".mar", ".part", ".tmp")


@dataclass
class Snapshot:
    """A run's files as they are now: opened, so that none is gone before it is uploaded.

    Attributes:
        iteration: Iterations done.
        checkpoints: Names, the newest first.
        files: By their paths in the run's folder.
    """

    iteration: int
    checkpoints: tuple[str, ...]
    files: dict[str, BinaryIO]

    @classmethod
    def of(cls, run: RunFolder, iteration: int) -> Snapshot:
        """Opens the files; that takes about a millisecond, however large they are."""
        newest = run.latest_checkpoint()
        names = [] if newest is None else [newest, *(p for p in by_age(run) if p != newest)]
        files = dict(_opened(run.folder))
        kept = tuple(path.name for path in names if path.name in files)
        return cls(iteration, kept, files)

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def _opened(folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Opens the files of a run; other commands may remove theirs meanwhile."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent, each) for each in names):
            name = path.relative_to(folder)
            if _is_mirrored(name) and path.is_file():
                with suppress(FileNotFoundError):
                    yield name.as_posix(), path.open("rb")


def _is_mirrored(name: PurePath) -> bool:
    is_left_out = any(part.startswith(".") or part.endswith(_NOT_MIRRORED) for part in name.parts)
    return not is_left_out and str(name) != POINTER
