"""Writes the hashed lock files beside this script from pyproject.toml, for Python 3.10 to 3.12.

Versions that a lock file has are kept where they still fit; delete the file to take the newest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
EXTRAS = {
    "train": ("train", "serve"),
    "serve": ("serve",),
    "torchserve": ("train", "serve", "torchserve"),
    "dev": ("train", "serve", "torchserve", "tracing", "sign", "dev"),
}


def main() -> None:
    for name, extras in EXTRAS.items():
        lock(name, extras)


def lock(name: str, extras: tuple[str, ...]) -> None:
    """Pins one set of extras; what `train` pins holds for the others too."""
    target = FOLDER / f"{name}.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"]
    options = ["--universal", "--python-version", "3.10", "--generate-hashes", "--no-header"]
    hidden = ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-package", "onedl-mmcv"]
    chosen = [flag for extra in extras for flag in ("--extra", extra)]
    held = [] if name == "train" else ["--constraint", str(FOLDER / "train.txt")]
    print(f"locking {target.name}")
    subprocess.run(
        [*command, *options, *hidden, *chosen, *held, "--output-file", str(target)],
        cwd=FOLDER.parent,
        check=True,
    )


if __name__ == "__main__":
    main()
