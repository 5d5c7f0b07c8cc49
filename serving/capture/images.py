"""Captured images: bounded in bytes and age, and one of those that look alike."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic, time
from typing import ClassVar, Protocol

from serving.capture.kept import ANSWER, IMAGE, Kept, KeptImages, kept_images
from serving.storage import StorageError

_WRITER_BYTES = 4
"""That tell this process's names from others'."""


class Place(Protocol):
    """Where captured images go. Each method raises ``OSError`` or ``StorageError``.

    Attributes:
        list_seconds: How long what other processes write may stay unseen.
    """

    list_seconds: ClassVar[float]

    def require_writable(self) -> None:
        """Raises an error if nothing can be written."""

    def sizes(self) -> Iterable[tuple[str, int]]:
        """Names of what is there, whoever wrote it, and their bytes."""

    def write(self, name: str, content: bytes) -> None:
        """Writes a file or an object."""

    def delete(self, names: list[str]) -> None:
        """Deletes some; what is not there is no error."""


class CapturedImages:
    """Several processes may write to the same place: each has names of its own.

    What is there is listed now and then; in between, this process's own changes are known.

    Args:
        place: Where they are.
        most_bytes: What images and answers may take together.
        most_seconds: How long they are kept.
    """

    def __init__(self, place: Place, most_bytes: int, most_seconds: float) -> None:
        self._place = place
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._writer = secrets.token_hex(_WRITER_BYTES)
        self._known = KeptImages()
        self._next_list = 0.0

    def has_alike(self, perceptual_hash: int) -> bool:
        """Whether an image that looks like this one is there."""
        return self._kept().has_alike(perceptual_hash)

    def add(self, perceptual_hash: int, request: str, image: bytes, answer: bytes) -> bool:
        """Adds an image and what was found in it; the oldest make room.

        Args:
            perceptual_hash: Of the image, 64 bits.
            request: The request's id, as ``RequestContext`` lets it be.
            image: As JPEG.
            answer: As JSON.

        Returns:
            Whether it was added: one that alone takes more than all may is not.

        Raises:
            OSError: The folder cannot be written.
            StorageError: Object storage does not take them.
        """
        size = len(image) + len(answer)
        if size > self._most_bytes:
            return False
        self.drop_oldest(size)
        stem = f"{int(time() * 1000):013d}-{perceptual_hash:016x}-{self._writer}-{request}"
        self._write(stem, image, answer)
        self._known.add(Kept(stem, size, is_whole=True))
        return True

    def drop_oldest(self, needed: int = 0) -> None:
        """Deletes what is too old, and what leaves no room for so many bytes more.

        Raises:
            OSError: The folder cannot be written.
            StorageError: Object storage does not delete them.
        """
        kept = self._kept()
        while (oldest := kept.oldest) and self._must_go(oldest, needed):
            self._delete(oldest.stem)
            kept.drop_oldest()

    def _must_go(self, oldest: Kept, needed: int) -> bool:
        is_old = oldest.milliseconds / 1000 <= time() - self._most_seconds
        return is_old or self._known.is_full or self._known.size + needed > self._most_bytes

    def _write(self, stem: str, image: bytes, answer: bytes) -> None:
        """Writes both or, as far as the place lets it, none."""
        try:
            self._place.write(stem + IMAGE, image)
            self._place.write(stem + ANSWER, answer)
        except (OSError, StorageError):
            with suppress(OSError, StorageError):
                self._delete(stem)
            raise

    def _delete(self, stem: str) -> None:
        self._place.delete([stem + IMAGE, stem + ANSWER])

    def _kept(self) -> KeptImages:
        if monotonic() >= self._next_list:
            self._known = kept_images(self._place.sizes())
            self._next_list = monotonic() + self._place.list_seconds
        return self._known
