"""The folder outside the clone that holds what is fetched or built once a machine."""

from __future__ import annotations

import os
from pathlib import Path

from serving.shared import cache_folder as cache_folder


def write_cached(path: Path, text: str) -> None:
    """Writes a file of the cache, whole or not at all; a cache that cannot be written is none."""
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text)
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
