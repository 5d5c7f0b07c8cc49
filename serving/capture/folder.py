"""A folder of captured images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class CaptureFolder:
    """See ``serving.capture.images.Place``.

    Attributes:
        path: The folder; it is made where there is none.
    """

    list_seconds: ClassVar[float] = 60

    path: Path

    def require_writable(self) -> None:
        """See ``Place.require_writable``."""
        self.path.mkdir(parents=True, exist_ok=True)
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise PermissionError(0, "Permission denied", str(self.path))

    def sizes(self) -> Iterator[tuple[str, int]]:
        """See ``Place.sizes``."""
        with os.scandir(self.path) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # another process has dropped it
                    yield entry.name, entry.stat().st_size

    def write(self, name: str, content: bytes) -> None:
        """See ``Place.write``."""
        (self.path / name).write_bytes(content)

    def delete(self, names: list[str]) -> None:
        """See ``Place.delete``."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)
