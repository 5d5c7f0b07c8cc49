"""One image that objects are looked for in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Protocol

from serving.inference.pixels import Pixels
from serving.predict.inputs.errors import InputError

MOST_FILE_BYTES = 2**28
"""Of one encoded image."""


@dataclass(frozen=True)
class Clip:
    """A video that frames come from.

    Attributes:
        name: As it is called in what is written.
        rate: How many of the frames that are looked at make a second.
    """

    name: str
    rate: float


@dataclass(frozen=True)
class Item:
    """One image, which is read when it is needed.

    Attributes:
        name: As it is called in what is written.
        stamp: Changes when the image does; empty where that cannot be seen.
        load: Reads it, encoded or as pixels. It raises ``InputError``, ``ImageError`` or
            ``OSError`` where it cannot.
        clip: The video that it is a frame of.
        is_file: Whether it is a file of its own, or has an address.
    """

    name: str
    stamp: str
    load: Callable[[], bytes | Pixels]
    clip: Clip | None = None
    is_file: bool = True

    @property
    def has_path(self) -> bool:
        """Whether its name is a path or an address, or begins with the path of its video."""
        return self.is_file or self.clip is not None


class PathInput(Protocol):
    """What a path of the command stands for."""

    def items(self) -> Iterator[Item]:
        """Its images, one by one; what cannot be read is among them, as an image that fails."""

    def count(self) -> int:
        """How many images these are; for progress, so that it need not be exact."""


def broken(name: str, error: Exception) -> Item:
    """Stands for what cannot be read."""

    def fail() -> bytes:
        raise error

    return Item(name, "", fail)


def read_once(name: str, read: Callable[[], bytes]) -> Item:
    """An image that can be read only once, such as that of a pipe: it is read here.

    Args:
        name: What it is called.
        read: Reads it. It raises ``InputError`` or ``OSError`` where it cannot.
    """
    try:
        data = read()
    except (InputError, OSError) as error:
        return replace(broken(name, error), is_file=False)
    stamp = hashlib.blake2b(data, digest_size=8).hexdigest()
    return Item(name, stamp, lambda: data, is_file=False)


def stamp_of(status: os.stat_result) -> str:
    """Changes when a file is written."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def read_file_bounded(path: Path) -> bytes:
    """Reads a file in bounds.

    Raises:
        InputError: It is too large.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        return read_bounded(file)


def read_bounded(file: IO[bytes]) -> bytes:
    """Reads all of a stream.

    Raises:
        InputError: It is too large.
        OSError: It cannot be read.
    """
    data = file.read(MOST_FILE_BYTES + 1)
    if len(data) > MOST_FILE_BYTES:
        raise too_large()
    return data


def too_large() -> InputError:
    """Says that an image has more bytes than any that is read."""
    return InputError(f"is larger than {MOST_FILE_BYTES >> 20} MiB, which no image may be")
