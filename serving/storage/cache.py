"""The folder that holds what is fetched or built once a machine."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(part: str) -> Path:
    """Returns a folder of the cache: ``$UMOP_CACHE/part``, ``~/.cache/umop/part`` unless set."""
    root = os.environ.get("UMOP_CACHE") or Path.home() / ".cache" / "umop"
    return Path(root) / part
