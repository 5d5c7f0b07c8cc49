"""What objects are looked for in: a module for each kind of input."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os.path import abspath
from pathlib import Path

from serving.predict.inputs.archive import Archive
from serving.predict.inputs.errors import PredictError
from serving.predict.inputs.files import File, Folder
from serving.predict.inputs.item import Item, PathInput
from serving.predict.inputs.stdin import StandardInput
from serving.predict.inputs.video import Video, is_video
from serving.predict.inputs.web import WebImage, is_url

__all__ = ["Inputs", "Item", "open_inputs"]


@dataclass(frozen=True)
class Inputs:
    """What the paths of a command are.

    Attributes:
        folder: What the images' names are relative to.
        each: What is at each path.
    """

    folder: Path
    each: list[PathInput]

    def items(self) -> Iterator[Item]:
        """All images, one by one; each once, however its path is spelled."""
        seen: set[int] = set()
        for item in (item for each in self.each for item in each.items()):
            named = replace(item, name=_printable(item.name))
            if item.has_path:
                key = hash(self.locate(named.name))  # 8 bytes for each of millions
                if key in seen:
                    continue
                seen.add(key)
            yield named

    def count(self) -> int:
        """How many images these are; for progress, so that it need not be exact."""
        return sum(each.count() for each in self.each)

    def locate(self, name: str) -> str:
        """The absolute path of the image of that name, or its address."""
        return name if is_url(name) else abspath(self.folder / name)  # noqa: PTH100 - links stay


def open_inputs(paths: Sequence[str], every: int, skip: Path | None = None) -> Inputs:
    """Says what the paths of a command are.

    Args:
        paths: Files, folders, patterns, zips, videos, addresses, and ``-`` for standard input.
        every: Of a video, each N-th frame is an image.
        skip: A folder that is left out of others: that of the results.

    Raises:
        PredictError: There is nothing at a path, or the results would be among the images.
    """
    named: dict[str, str] = {}
    for each in (each for path in paths for each in _expanded(path)):
        named.setdefault(_identity(each), each)
    found = list(named.values())
    if len(found) == 1:
        path = Path(found[0])
        folder = path if path.is_dir() else path.parent
        return Inputs(folder, [_input(found[0], path.name, "", every, skip)])
    inputs = [_input(path, path, f"{path.rstrip('/')}/", every, skip) for path in found]
    return Inputs(Path(), inputs)


def _identity(path: str) -> str:
    """The same for each spelling of a path."""
    return path if path == "-" or is_url(path) else abspath(path)  # noqa: PTH100 - links stay


def _expanded(path: str) -> Iterator[str]:
    if not path:
        raise PredictError("one of the paths is empty")
    if path == "-" or is_url(path) or Path(path).exists():
        yield path
        return
    matches = sorted(glob.iglob(path, recursive=True))  # noqa: PTH207 - the pattern may be absolute
    if not matches:
        raise PredictError(f"{path}: no such file or folder")
    yield from matches


def _input(path: str, name: str, prefix: str, every: int, skip: Path | None) -> PathInput:
    """What is at a path.

    Args:
        path: The path.
        name: What it is called if it is one file.
        prefix: What the names of files inside of it begin with.
        every: Of a video, each N-th frame is an image.
        skip: A folder that is left out of another.
    """
    if path == "-":
        return StandardInput()
    if is_url(path):
        return WebImage(path)
    if Path(path).is_dir():
        if skip is not None and skip.exists() and skip.samefile(path):
            raise PredictError(f"{path} has the images: name another folder with --out")
        return Folder(Path(path), prefix, every, skip)
    if Path(path).suffix.lower() == ".zip":
        return Archive(Path(path), name, prefix)
    return Video(Path(path), every, name) if is_video(path) else File(Path(path), name)


def _printable(name: str) -> str:
    """A file's name as text, where its bytes are none."""
    return name.encode("utf-8", "backslashreplace").decode()
