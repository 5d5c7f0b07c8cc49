"""Captured images in object storage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from serving.storage import Store

_PROBE = ".umop-capture"


class CaptureBucket:
    """See ``serving.capture.images.Place``.

    Args:
        address: Such as ``s3://bucket/captured``.

    Raises:
        StorageError: The address is not valid, or nothing says which account it is in.
    """

    list_seconds: ClassVar[float] = 300

    def __init__(self, address: str) -> None:
        self._store = Store(address)

    def require_writable(self) -> None:
        """See ``Place.require_writable``; lists, writes and deletes, as is done later."""
        next(self._store.each(), None)
        self._store.write(_PROBE, b"")
        self._store.delete([_PROBE])

    def sizes(self) -> Iterator[tuple[str, int]]:
        """See ``Place.sizes``."""
        return ((each.name, each.size) for each in self._store.each())

    def write(self, name: str, content: bytes) -> None:
        """See ``Place.write``."""
        self._store.write(name, content)

    def delete(self, names: list[str]) -> None:
        """See ``Place.delete``."""
        self._store.delete(names)
