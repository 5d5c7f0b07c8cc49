"""Writes the hashed lock files beside this script from pyproject.toml, for Python 3.10 to 3.12.

Versions that a lock file has are kept where they still fit; delete the file to take the newest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
EXTRAS = {
    "train": ("train", "serve", "sign"),
    "serve": ("serve",),
    "serve-gpu": ("serve", "gpu"),
    "api": ("serve", "tracing"),
    "api-sign": ("serve", "tracing", "sign"),
    "api-gpu": ("serve", "tracing", "sign", "gpu"),
    "torchserve": ("serve", "sign", "torchserve"),
    "torchserve-gpu": ("serve", "sign", "torchserve", "gpu"),
    "dev": ("train", "serve", "torchserve", "tracing", "sign", "dev"),
}


GROUPS = ("build", "nvcc", "publish", "site", "checkov", "kfp", "moto")
APART = ("train", "site", "checkov", "kfp", "moto")
"""What is not installed beside what ``train`` pins."""
BUILT_OR_REPLACED = {
    "onedl-mmcv": EXTRAS,
    "onnxruntime": ("serve-gpu", "api-gpu", "torchserve-gpu"),
}


def main() -> None:
    for name, extras in EXTRAS.items():
        chosen = [flag for extra in extras for flag in ("--extra", extra)]
        lock(name, ["pyproject.toml", *chosen])
    for name in GROUPS:
        lock(name, ["--group", name])


def lock(name: str, chosen: list[str]) -> None:
    """Pins one set of extras or a group; what ``train`` pins holds for all of one environment."""
    target = FOLDER / f"{name}.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", *chosen, "--quiet"]
    options = ["--universal", "--python-version", "3.10", "--generate-hashes", "--no-header"]
    left_out = [package for package, names in BUILT_OR_REPLACED.items() if name in names]
    hidden = ["--no-emit-index-url", "--no-emit-find-links"]
    hidden += [flag for package in left_out for flag in ("--no-emit-package", package)]
    held = [] if name in APART else ["--constraint", str(FOLDER / "train.txt")]
    print(f"locking {target.name}")
    subprocess.run(
        [*command, *options, *hidden, *held, "--output-file", str(target)],
        cwd=FOLDER.parent,
        check=True,
    )


if __name__ == "__main__":
    main()
