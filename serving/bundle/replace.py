"""Puts one folder in the place of another."""

from __future__ import annotations

from pathlib import Path


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
