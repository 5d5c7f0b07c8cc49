"""Files and folders of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from serving.predict.inputs.item import Item, broken, read_file_bounded, read_once, stamp_of
from serving.predict.inputs.video import Video, is_video
from serving.schemas.names import IMAGE_SUFFIXES


@dataclass(frozen=True)
class File:
    """One image file, or something else that can be read, such as a pipe.

    Attributes:
        path: The file.
        name: What it is called.
    """

    path: Path
    name: str

    def items(self) -> Iterator[Item]:
        """See ``PathInput.items``."""
        item = _item(self.path, self.name)
        yield item or read_once(self.name, partial(read_file_bounded, self.path))

    def count(self) -> int:
        """See ``PathInput.count``."""
        return 1


@dataclass(frozen=True)
class Folder:
    """Images and videos in a folder and in those inside it, known by their suffixes.

    One directory at a time is listed, so that the first image is there at once.

    Attributes:
        path: The folder.
        prefix: What names have before their path in the folder.
        every: Of a video, each N-th frame is an image.
        skip: A folder inside that is left out.
    """

    path: Path
    prefix: str
    every: int
    skip: Path | None = None

    def items(self) -> Iterator[Item]:
        """See ``PathInput.items``."""
        for inside in self._walk():
            if isinstance(inside, Item):
                yield inside
            elif is_video(inside):
                yield from self._video(inside).items()
            elif (item := _item(self.path / inside, self.prefix + inside)) is not None:
                yield item

    def count(self) -> int:
        """See ``PathInput.count``."""
        names = (inside for inside in self._walk() if isinstance(inside, str))
        return sum(self._video(name).count() if is_video(name) else 1 for name in names)

    def _video(self, inside: str) -> Video:
        return Video(self.path / inside, self.every, self.prefix + inside)

    def _walk(self, inside: str = "") -> Iterator[str | Item]:
        """Paths inside of the folder; an item for each directory that cannot be listed."""
        try:
            with os.scandir(self.path / inside) as entries:
                found = sorted((each.name, each.is_dir(follow_symlinks=False)) for each in entries)
        except OSError as error:
            yield broken(self.prefix + inside, error)
            return
        for name, is_folder in found:
            if is_folder and not self._is_skipped(inside + name):
                yield from self._walk(f"{inside}{name}/")
            elif not is_folder and is_wanted(name):
                yield inside + name

    def _is_skipped(self, inside: str) -> bool:
        return (
            self.skip is not None and self.skip.exists() and self.skip.samefile(self.path / inside)
        )


def _item(path: Path, name: str) -> Item | None:
    """An image file; None for what is no file, such as a pipe in a folder."""
    try:
        status = path.stat()
    except OSError as error:
        return broken(name, error)
    if not stat.S_ISREG(status.st_mode):
        return None
    return Item(name, stamp_of(status), partial(read_file_bounded, path))


def is_wanted(name: str) -> bool:
    """Whether a file's name is that of an image or a video, and not of what macOS puts beside."""
    is_known = PurePosixPath(name).suffix.lower() in IMAGE_SUFFIXES or is_video(name)
    return is_known and not PurePosixPath(name).name.startswith("._")
