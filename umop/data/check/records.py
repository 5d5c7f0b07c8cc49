"""What the file of each image holds, read in parallel and remembered."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from serving.shared import ImageError, decode, read_header
from umop.data.images import MAX_PIXELS
from umop.data.layouts.files import is_file
from umop.system.cache import cache_folder, keep

FEW = 64
"""Most images that are read without starting other processes."""
BLOCK = 32
HEAD = 2**16
LIKENESS_SIDE = 16


@dataclass(frozen=True, slots=True)
class Record:
    """What an image's file holds.

    Attributes:
        size: In bytes; -1 for a file that cannot be opened.
        changed: When the file was changed, in nanoseconds.
        width: In pixels, upright; 0 for a file that is no image.
        height: In pixels, upright.
        orientation: EXIF's; 1 for none.
        digest: Of the file's content.
        likeness: 256 bits in hexadecimal, of which similar images share nearly all; empty for a
            image of one colour.
        error: Why the image cannot be read; empty where it can.
    """

    size: int
    changed: int
    width: int = 0
    height: int = 0
    orientation: int = 1
    digest: str = ""
    likeness: str = ""
    error: str = ""

    def bits(self) -> NDArray[np.uint64]:
        """The likeness as four words of 64 bits."""
        return np.frombuffer(bytes.fromhex(self.likeness), np.uint64)


def read_record(path: Path) -> Record | None:
    """Reads an image whole; None where there is no file."""
    return read_file(path, decoded)


def read_header_record(path: Path) -> Record | None:
    """Reads the start of an image, which has its size; None where there is no file."""
    return read_file(path, from_header)


def read_file(path: Path, read: Callable[[Path, int, int], Record]) -> Record | None:
    """Reads an image's file in one way or another; None where there is none."""
    try:
        status = path.stat()
        return read(path, status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Record(-1, 0, error=error.strerror or str(error))


def from_header(path: Path, size: int, changed: int) -> Record:
    """A record without digest and likeness, of which little is read."""
    with path.open("rb") as file:
        content = file.read(HEAD)
        try:
            header = read_header(content, MAX_PIXELS)
        except ImageError:  # a TIFF's header may be at its end
            content += file.read()
            try:
                header = read_header(content, MAX_PIXELS)
            except ImageError as error:
                return Record(size, changed, error=str(error))
    return Record(size, changed, header.width, header.height, header.orientation)


def decoded(path: Path, size: int, changed: int) -> Record:
    """A whole record, for which the image is decoded."""
    content = path.read_bytes()
    digest = blake2b(content, digest_size=16).hexdigest()
    try:
        header = read_header(content, MAX_PIXELS)
        likeness = likeness_of(decode(content, MAX_PIXELS))
    except ImageError as error:
        return Record(size, changed, digest=digest, error=str(error))
    return Record(size, changed, header.width, header.height, header.orientation, digest, likeness)


def likeness_of(pixels: NDArray[np.uint8]) -> str:
    """Whether brightness grows from each sixteenth of an image to the next, left to right.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).

    Returns:
        64 hexadecimal digits; nothing for an image of one colour.
    """
    small = cv2.resize(
        pixels, (LIKENESS_SIDE + 1, LIKENESS_SIDE), interpolation=cv2.INTER_AREA
    ).astype(np.int16)
    grey = small.sum(axis=2)
    if np.ptp(grey) < 6:
        return ""
    return np.packbits(grey[:, 1:] > grey[:, :-1]).tobytes().hex()


def read_records(
    root: Path, paths: Sequence[Path], decode: bool = True
) -> dict[Path, Record | None]:
    """Reads all images, with a progress bar; those that have not changed are remembered.

    Args:
        root: The data set's folder, by which the records are kept in the cache.
        paths: The images.
        decode: Whether to read them whole, not only their size.
    """
    memory = Memory(root, "images" if decode else "headers")
    read = read_record if decode else read_header_record
    records = {path: memory.record(path) for path in paths}
    unread = [path for path, record in records.items() if record is None and is_file(path)]
    for path, record in zip(unread, read_all(unread, read), strict=True):
        records[path] = record
    if unread:
        memory.write(records)
    return records


def read_all(
    paths: Sequence[Path], read: Callable[[Path], Record | None]
) -> Iterable[Record | None]:
    """Reads images, in processes where they are many."""
    if len(paths) <= FEW:
        yield from map(read, paths)
        return
    context = get_context("spawn")  # the caller may have threads, which do not survive a fork
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        done = pool.map(read, paths, chunksize=BLOCK)
        yield from track(done, "checking images", total=len(paths), console=Console(stderr=True))


class Memory:
    """The records of a data set's images, kept in the cache.

    Args:
        root: The data set's folder.
        part: The folder of the cache.
    """

    def __init__(self, root: Path, part: str) -> None:
        key = blake2b(str(root.resolve()).encode(), digest_size=8).hexdigest()
        self.path = cache_folder(part) / f"{key}.json"
        self.known = self.read()

    def read(self) -> Mapping[str, Record]:
        """The records by path; none where the file is missing or of another version."""
        try:
            content = json.loads(self.path.read_text())
            return {path: Record(*values) for path, values in content.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def record(self, path: Path) -> Record | None:
        """An image's record; None where it has changed since, or is gone."""
        known = self.known.get(str(path))
        if known is None:
            return None
        try:
            status = path.stat()
        except OSError:
            return None
        same = (status.st_size, status.st_mtime_ns) == (known.size, known.changed)
        return known if same else None

    def write(self, records: Mapping[Path, Record | None]) -> None:
        """Keeps the records."""
        content = {str(path): astuple(record) for path, record in records.items() if record}
        keep(self.path, json.dumps(content))
