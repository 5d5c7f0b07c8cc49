"""What the file of each image holds, read in parallel and remembered."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from serving.shared import (
    ImageError,
    cache_folder,
    decode_whole,
    difference_hash,
    read_header,
    usable_cores,
)
from umop.data.check.sources import digest_of_sources
from umop.data.files.names import unread_format
from umop.data.files.reading import is_file
from umop.data.images import MAX_TRAINING_PIXELS
from umop.system.files import write_cached

_FEW = 64
"""Most images that are read one after the other, without a progress bar."""
_HEAD = 2**16
_HASH_SIDE = 16
_LEAST_CONTRAST = 6


@dataclass(frozen=True, slots=True)
class Record:
    """What an image's file holds.

    Attributes:
        size: In bytes; -1 for a file that cannot be opened.
        changed: When the file was changed, in nanoseconds.
        width: In pixels, upright; 0 for a file that is not an image.
        height: In pixels, upright.
        orientation: EXIF's; 1 for none.
        digest: Of the file's content.
        perceptual_hash: 256 bits in hexadecimal, of which similar images share nearly all; empty
            for an image of one colour.
        values: What is unusual about the pixels' values; empty where nothing is.
        lacks_end: Whether it is a JPEG without the marker of its end.
        error: Why the image cannot be read; empty where it can.
    """

    size: int
    changed: int
    width: int = 0
    height: int = 0
    orientation: int = 1
    digest: str = ""
    perceptual_hash: str = ""
    values: str = ""
    lacks_end: bool = False
    error: str = ""

    def bits(self) -> NDArray[np.uint64]:
        """The perceptual hash as four words of 64 bits."""
        return np.frombuffer(bytes.fromhex(self.perceptual_hash), np.uint64)


def read_record(path: Path) -> Record | None:
    """Reads an image whole; None where there is no file."""
    return _read_file(path, _decoded)


def _read_header_record(path: Path) -> Record | None:
    """Reads the start of an image, which has its size; None where there is no file."""
    return _read_file(path, _from_header)


def _read_file(path: Path, read: Callable[[Path, int, int], Record]) -> Record | None:
    """Reads an image's file in one way or another; None where there is none."""
    try:
        status = path.stat()
        return read(path, status.st_size, status.st_mtime_ns)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Record(-1, 0, error=error.strerror or str(error))


def _from_header(path: Path, size: int, changed: int) -> Record:
    """A record without digest and perceptual hash, of which little is read."""
    with path.open("rb") as file:
        content = file.read(_HEAD)
        try:
            header = read_header(content, MAX_TRAINING_PIXELS)
        except ImageError:  # a TIFF's header may be at its end
            content += file.read()
            try:
                header = read_header(content, MAX_TRAINING_PIXELS)
            except ImageError as error:
                return Record(size, changed, error=str(error))
    return Record(size, changed, header.width, header.height, header.orientation)


def _decoded(path: Path, size: int, changed: int) -> Record:
    """A whole record, for which the image is decoded."""
    content = path.read_bytes()
    digest = blake2b(content, digest_size=16).hexdigest()
    if kind := unread_format(path.name):
        error = f"it is {kind}, which is not read: convert it to JPEG or PNG"
        return Record(size, changed, digest=digest, error=error)
    try:
        header = read_header(content, MAX_TRAINING_PIXELS)
        decoded = decode_whole(content, MAX_TRAINING_PIXELS)
    except ImageError as error:
        return Record(size, changed, digest=digest, error=str(error))
    return Record(
        size=size,
        changed=changed,
        width=header.width,
        height=header.height,
        orientation=header.orientation,
        digest=digest,
        perceptual_hash=difference_hash(decoded.pixels, _HASH_SIDE, _LEAST_CONTRAST).hex(),
        values="" if header.lacks_end else "; ".join(decoded.warnings),
        lacks_end=header.lacks_end,
    )


def read_records(
    root: Path, paths: Sequence[Path], decode: bool = True
) -> dict[Path, Record | None]:
    """Reads all images, with a progress bar; those that have not changed are remembered.

    Args:
        root: The data set's folder, by which the records are kept in the cache.
        paths: The images.
        decode: Whether to read them whole, not only their size.
    """
    memory = _Memory(root, "images" if decode else "headers")
    read = read_record if decode else _read_header_record
    records = {path: memory.record(path) for path in paths}
    unread = [path for path, record in records.items() if record is None and is_file(path)]
    for path, record in zip(unread, _read_all(unread, read), strict=True):
        records[path] = record
    if unread:
        memory.write(records)
    return records


def _read_all(
    paths: Sequence[Path], read: Callable[[Path], Record | None]
) -> Iterable[Record | None]:
    """Reads images, in threads where they are many: decoders let others run meanwhile."""
    if len(paths) <= _FEW:
        yield from map(read, paths)
        return
    # Threads that silence warnings for a while, as decoders do, may leave them silent.
    with warnings.catch_warnings(), ThreadPoolExecutor(usable_cores()) as pool:
        done = pool.map(read, paths)
        yield from track(done, "checking images", total=len(paths), console=Console(stderr=True))


class _Memory:
    """The records of a data set's images, kept in the cache.

    Args:
        root: The data set's folder.
        part: The folder of the cache.
    """

    def __init__(self, root: Path, part: str) -> None:
        key = blake2b(str(root.resolve()).encode(), digest_size=8).hexdigest()
        self.path = cache_folder(part) / f"{key}.json"
        self.known = self._read()

    def _read(self) -> Mapping[str, Record]:
        """The records by path; none where the file is missing or other code has written it."""
        try:
            content = json.loads(self.path.read_text())
            if content["sources"] != digest_of_sources():
                return {}
            return {path: Record(*values) for path, values in content["records"].items()}
        except (OSError, ValueError, TypeError, AttributeError, KeyError):
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
        found = {str(path): astuple(record) for path, record in records.items() if record}
        write_cached(self.path, json.dumps({"sources": digest_of_sources(), "records": found}))
