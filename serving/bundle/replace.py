"""Puts a bundle's folder in the place of another."""

from __future__ import annotations

import json
from pathlib import Path

from serving.bundle.schema import MANIFEST


def may_be_replaced(folder: Path) -> bool:
    """Whether a path is free for a bundle: missing, an empty folder, or a bundle's."""
    if not folder.is_dir():
        return not folder.exists()
    try:
        fields = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return not any(folder.iterdir())
    return isinstance(fields, dict) and "schema_version" in fields


def replace_folder(target: Path, draft: Path, aside: Path) -> None:
    """Puts a new folder in another's place; where that fails, the old one is back.

    Args:
        target: The folder to replace; it need not exist.
        draft: The new folder, on the same file system.
        aside: Takes the old folder.
    """
    if target.exists():
        target.rename(aside)
    try:
        draft.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
