"""Where a bundle is: at a path or an address, or in the folder of a run."""

from __future__ import annotations

import os
from pathlib import Path

from serving.bundle.errors import BundleError
from serving.bundle.schema import MANIFEST
from serving.storage import is_address


def bundle_at(given: str | os.PathLike[str]) -> str | Path:
    """The bundle at a path or an address: in the folder of a run it has the run's name.

    Raises:
        BundleError: It is neither, or empty.
    """
    if not isinstance(given, str | os.PathLike):
        taken = "the path of a folder or zip, an address or a run"
        raise BundleError(f"a bundle is {taken}, not {type(given).__name__}")
    if not os.fspath(given):
        raise BundleError("the path of the bundle is empty")
    if isinstance(given, str) and is_address(given):
        return given
    path = Path(given)
    is_run = (path / "config.py").is_file() and not (path / MANIFEST).is_file()
    return path / f"{path.resolve().name}.bundle" if is_run else path
