"""The folder outside the clone that holds what is fetched or built once a machine."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(part: str) -> Path:
    """Returns a folder of the cache: ``$UMOP_CACHE/part``, ``~/.cache/umop/part`` unless set."""
    root = os.environ.get("UMOP_CACHE") or Path.home() / ".cache" / "umop"
    return Path(root) / part


def keep(path: Path, text: str) -> None:
    """Writes a file of the cache, whole or not at all; a cache that cannot be written is none."""
    scratch = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(text)
        scratch.replace(path)
    except OSError:
        scratch.unlink(missing_ok=True)
