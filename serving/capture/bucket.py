"""Captured images in object storage."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from serving.storage import Store

_LIST_SECONDS = 300
"""How long what other processes write may stay unseen."""
_PROBE = ".umop-capture"


class CaptureBucket:
    """See ``serving.capture.images.Place``.

    What is there is listed every five minutes; in between, this process's own changes are known.

    Args:
        address: Such as ``s3://bucket/captured``.

    Raises:
        StorageError: The address is not valid, or nothing says which account it is in.
    """

    def __init__(self, address: str) -> None:
        self._store = Store(address)
        self._sizes: dict[str, int] = {}
        self._next_list = 0.0

    def require_writable(self) -> None:
        """See ``Place.require_writable``; lists, writes and deletes, as is done later."""
        next(self._store.each(), None)
        self._store.write(_PROBE, b"")
        self._store.delete([_PROBE])

    def sizes(self) -> Iterable[tuple[str, int]]:
        """See ``Place.sizes``."""
        if monotonic() >= self._next_list:
            self._sizes = {each.name: each.size for each in self._store.objects()}
            self._next_list = monotonic() + _LIST_SECONDS
        return self._sizes.items()

    def write(self, name: str, content: bytes) -> None:
        """See ``Place.write``."""
        self._store.write(name, content)
        self._sizes[name] = len(content)

    def delete(self, names: list[str]) -> None:
        """See ``Place.delete``."""
        self._store.delete(names)
        for name in names:
            self._sizes.pop(name, None)
