"""Captured images, wherever they are: bounded in bytes and age, and those that look alike once."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from time import time
from typing import Protocol

from serving.capture.perceptual import looks_alike

_IMAGE, _ANSWER = ".jpg", ".json"
_NAME = re.compile(r"(?P<stem>\d{13}-[0-9a-f]{16}-[\w.-]+)\.(?:jpg|json)", re.ASCII)
_WRITER_BYTES = 4


class Place(Protocol):
    """Where captured images go. Each method raises ``OSError`` or ``StorageError``."""

    def require_writable(self) -> None:
        """Raises an error if nothing can be written."""

    def sizes(self) -> Iterable[tuple[str, int]]:
        """Names of what is there, whoever wrote it, and their bytes."""

    def write(self, name: str, content: bytes) -> None:
        """Writes a file or an object."""

    def delete(self, names: list[str]) -> None:
        """Deletes some; what is not there is no error."""


@dataclass(frozen=True)
class _Kept:
    """A captured image and its answer.

    Attributes:
        stem: Their name without a suffix; names sort by age.
        seconds: When it was captured, since the epoch.
        perceptual_hash: Of the image.
        size: Bytes of both.
    """

    stem: str
    seconds: float
    perceptual_hash: int
    size: int


@dataclass(frozen=True)
class CapturedImages:
    """Several processes may write to the same place: each has names of its own.

    Attributes:
        place: Where they are.
        most_bytes: What images and answers may take together.
        most_seconds: How long they are kept.
        writer: Tells this process's names from others'.
    """

    place: Place
    most_bytes: int
    most_seconds: float
    writer: str = field(default_factory=partial(secrets.token_hex, _WRITER_BYTES))

    def has_alike(self, perceptual_hash: int) -> bool:
        """Whether an image that looks like this one is there."""
        return any(looks_alike(each.perceptual_hash, perceptual_hash) for each in self._kept())

    def add(self, perceptual_hash: int, request: str, image: bytes, answer: bytes) -> None:
        """Adds an image and what was found in it; the oldest make room.

        Args:
            perceptual_hash: Of the image, 64 bits.
            request: The request's id, as ``RequestContext`` lets it be.
            image: As JPEG.
            answer: As JSON.

        Raises:
            OSError: The folder cannot be written.
            StorageError: Object storage does not take them.
        """
        self.drop_oldest(len(image) + len(answer))
        stem = f"{int(time() * 1000):013d}-{perceptual_hash:016x}-{self.writer}-{request}"
        self.place.write(stem + _IMAGE, image)
        self.place.write(stem + _ANSWER, answer)

    def drop_oldest(self, needed: int = 0) -> None:
        """Deletes what is too old, and what leaves no room for so many bytes more.

        Raises:
            OSError: The folder cannot be written.
            StorageError: Object storage does not delete them.
        """
        kept = sorted(self._kept(), key=lambda each: each.stem)
        size = needed + sum(each.size for each in kept)
        for each in kept:
            if size <= self.most_bytes and each.seconds > time() - self.most_seconds:
                break
            self.place.delete([each.stem + suffix for suffix in (_IMAGE, _ANSWER)])
            size -= each.size

    def _kept(self) -> Iterator[_Kept]:
        """What is there; other files are left as they are."""
        sizes: Counter[str] = Counter()
        for name, size in self.place.sizes():
            if match := _NAME.fullmatch(name):
                sizes[match["stem"]] += size
        for stem, size in sizes.items():
            milliseconds, perceptual_hash, _ = stem.split("-", 2)
            yield _Kept(stem, int(milliseconds) / 1000, int(perceptual_hash, 16), size)
