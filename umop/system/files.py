"""Files that have their old content or the new, whatever happens while they are written."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex


def replace_text(path: Path, text: str) -> None:
    """Writes a small file so that it has its old content or the new, whatever happens."""
    temporary = path.with_name(f".{path.name}.{token_hex(8)}.tmp")
    try:
        temporary.write_text(text)
        flush(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_cached(path: Path, text: str) -> None:
    """Writes a file of the cache, whole or not at all; a cache that cannot be written is none."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_text(path, text)


def flush(path: Path) -> None:
    """Has the kernel write a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
