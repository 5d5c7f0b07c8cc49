"""What objects are looked for in: a module for each kind of input."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from serving.predict.inputs.archive import Archive
from serving.predict.inputs.errors import PredictError
from serving.predict.inputs.files import File, Folder
from serving.predict.inputs.item import Item, PathInput
from serving.predict.inputs.stdin import StandardInput
from serving.predict.inputs.video import Video, is_video
from serving.predict.inputs.web import WebImage, is_url

__all__ = ["Item", "PathInput", "open_inputs"]


def open_inputs(paths: Sequence[str], every: int, skip: Path | None = None) -> list[PathInput]:
    """Says what the paths of a command are.

    Args:
        paths: Files, folders, patterns, zips, videos, addresses, and ``-`` for standard input.
        every: Of a video, every how manieth frame is an image.
        skip: A folder that is left out of others: that of the results.

    Raises:
        PredictError: There is nothing at a path, or the results would be among the images.
    """
    found = list(dict.fromkeys(each for path in paths for each in _expanded(path)))
    if len(found) == 1:
        return [_input(found[0], Path(found[0]).name, "", every, skip)]
    return [_input(path, path, f"{path.rstrip('/')}/", every, skip) for path in found]


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
        every: Of a video, every how manieth frame is an image.
        skip: A folder that is left out of another.
    """
    if path == "-":
        return StandardInput()
    if is_url(path):
        return WebImage(path)
    if Path(path).is_dir():
        if skip is not None and Path(path).resolve() == skip.resolve():
            raise PredictError(f"{path} has the images: name another folder with --out")
        return Folder(Path(path), prefix, every, skip)
    if Path(path).suffix.lower() == ".zip":
        return Archive(Path(path), name, prefix)
    return Video(Path(path), every, name) if is_video(path) else File(Path(path), name)
