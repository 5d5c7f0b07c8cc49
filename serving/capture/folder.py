"""A folder of captured images that is bounded in bytes and age."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time

from serving.capture.perceptual import looks_alike

_IMAGE, _ANSWER = ".jpg", ".json"
_NAME = re.compile(r"(?P<stem>\d{13}-[0-9a-f]{16}-[\w.-]+)\.(?:jpg|json)", re.ASCII)


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
class CaptureFolder:
    """Several processes may write to it: each sees what is there, whoever wrote it.

    Attributes:
        path: The folder.
        most_bytes: What images and answers may take together.
        most_seconds: How long they are kept.
    """

    path: Path
    most_bytes: int
    most_seconds: float

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
        """
        self._drop_oldest(len(image) + len(answer))
        stem = f"{int(time() * 1000):013d}-{perceptual_hash:016x}-{request}"
        (self.path / (stem + _IMAGE)).write_bytes(image)
        (self.path / (stem + _ANSWER)).write_bytes(answer)

    def _drop_oldest(self, needed: int) -> None:
        """Deletes what is too old, and what leaves no room for so many bytes more."""
        kept = sorted(self._kept(), key=lambda each: each.stem)
        size = needed + sum(each.size for each in kept)
        for each in kept:
            if size <= self.most_bytes and each.seconds > time() - self.most_seconds:
                break
            for suffix in (_IMAGE, _ANSWER):
                (self.path / (each.stem + suffix)).unlink(missing_ok=True)
            size -= each.size

    def _kept(self) -> Iterator[_Kept]:
        """What is there; other files are left as they are."""
        sizes: Counter[str] = Counter()
        with os.scandir(self.path) as entries:
            for entry in entries:
                if match := _NAME.fullmatch(entry.name):
                    with suppress(FileNotFoundError):  # another process has dropped it
                        sizes[match["stem"]] += entry.stat().st_size
        for stem, size in sizes.items():
            milliseconds, perceptual_hash, _ = stem.split("-", 2)
            yield _Kept(stem, int(milliseconds) / 1000, int(perceptual_hash, 16), size)
