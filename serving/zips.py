"""Zips of strangers: what reading one raises, and how much one may unpack to."""

from __future__ import annotations

import zlib
from lzma import LZMAError
from pathlib import Path
from zipfile import BadZipFile, ZipFile

DAMAGED_ZIP = (BadZipFile, EOFError, LZMAError, RuntimeError, UnicodeDecodeError, zlib.error)
"""What ``zipfile`` raises for one that is damaged, encrypted, or packed in an unknown way."""
UNREADABLE_ZIP = (OSError, *DAMAGED_ZIP)
_MOST_TIMES_AS_LARGE = 100
"""Most times its size that a zip may unpack to: images hardly shrink, annotations ten times."""
_ALWAYS_ALLOWED = 2**28


class ZipBombError(Exception):
    """A zip would unpack to far more than it holds; the message goes on with a name of it."""


def unpacked_size(archive: ZipFile, path: Path) -> int:
    """Bytes that a zip says it unpacks to.

    Args:
        archive: The zip.
        path: Its file.

    Raises:
        ZipBombError: That is far more than it holds.
    """
    size = sum(member.file_size for member in archive.infolist())
    if size > max(_ALWAYS_ALLOWED, _MOST_TIMES_AS_LARGE * path.stat().st_size):
        raise ZipBombError(f"would unpack to {size / 1e9:.1f} GB, far more than it holds")
    return size
