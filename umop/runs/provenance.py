"""Records what a result came from: ``provenance.json``, with an entry for each start."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mmengine.config import Config

from serving.shared import sha256_of
from umop.runs.folder import RunFolder
from umop.system.console import note
from umop.system.dataset_paths import annotation_file, image_folder
from umop.system.files import replace_text
from umop.system.hardware import devices, driver
from umop.system.versions import STACK, all_installed

_READERS = 16
_SHARE = 500
"""Sizes of so many files are read at a time: network storage answers each in a millisecond."""


def begin(
    run: RunFolder, config: Config, iteration: int, command: str, folders: Sequence[Path] = ()
) -> None:
    """Adds an entry to a run's ``provenance.json``; it says nothing of an end yet.

    Warns where code, packages, hardware or data are not those of the start before.

    Args:
        run: Its folder.
        config: What is trained.
        iteration: Iterations that were done before.
        command: What started it: a command of a shell, or a call of Python.
        folders: Those of the user's that the data was read from.

    Raises:
        UserError: The file is damaged.
    """
    starts = run.starts()
    entry = {
        **_provenance(config, command),
        "data_folders": [str(each) for each in folders],
        "first_iteration": iteration + 1,
    }
    if changed := _changes(starts[-1], entry) if starts else []:
        note(
            f"warning: since this run was started before, there is another {'; '.join(changed)}. "
            "The result will not be bit-identical to that of a run that was not stopped."
        )
    _write(run, [*starts, entry])


def _changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What two entries of a ``provenance.json`` differ in, of what the result depends on."""
    old, new = _tools(before), _tools(now)
    found = [
        f"{name} ({old[name]} before, now {new[name]})" for name in new if old[name] != new[name]
    ]
    if list(before["data"].values()) != list(now["data"].values()):
        found.append("content of the data")
    return found


def _tools(entry: dict[str, Any]) -> dict[str, str]:
    """What an entry says that training was done with."""
    return {
        "commit": str(entry["commit"])[:12],
        **{name: entry["versions"].get(name, "none") for name in STACK},
        "device": ", ".join(entry["devices"]),
    }


def finish(run: RunFolder, iteration: int, exit_code: int) -> None:
    """Adds the end to the newest entry; a killed process leaves it without one.

    Args:
        run: Its folder.
        iteration: The last iteration that was done.
        exit_code: What the command answers, see :mod:`umop.system.exit_codes`.

    Raises:
        UserError: The file is damaged.
    """
    if starts := run.starts():
        starts[-1].update(ended=_now(), last_iteration=iteration, exit_code=exit_code)
        _write(run, starts)


def _write(run: RunFolder, starts: list[dict[str, Any]]) -> None:
    replace_text(run.provenance, json.dumps(starts, indent=2) + "\n")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _provenance(config: Config, command: str) -> dict[str, Any]:
    """Returns commit, versions, hardware, data fingerprint, seed and command, as JSON values."""
    commit, clean = _code()
    return {
        "started": _now(),
        "command": command,
        "commit": commit,
        "clean": clean,
        "seed": config.randomness.seed,
        "data": fingerprint(config),
        "host": socket.gethostname(),
        "devices": devices(),
        "driver": driver(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": all_installed(),
    }


def _code() -> tuple[str | None, bool | None]:
    """The git commit of the code, and whether nothing was changed since; None outside a clone."""
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run(
            [*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
        )
        changes = subprocess.run(
            [*git, "status", "--porcelain"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None, None
    return commit.stdout.strip(), not changes.stdout.strip()


def fingerprint(config: Config) -> dict[str, dict[str, str | int]]:
    """What training and evaluation read, by annotation file.

    Returns:
        For each file the SHA-256 of its content, the number of images it lists, and the SHA-256
        of their names with the sizes of their files.
    """
    files: dict[str, dict[str, str | int]] = {}
    for split in ("train", "val"):
        dataset = config[f"{split}_dataloader"].dataset
        path = annotation_file(dataset)
        if path.is_file():
            images = json.loads(path.read_text())["images"]
            names = sorted(image["file_name"] for image in images)
            files[str(path)] = {
                "sha256": sha256_of(path),
                "pictures": len(names),
                "pictures_sha256": digest_of_sizes(image_folder(dataset), names),
            }
    return files


def digest_of_sizes(folder: Path, names: list[str]) -> str:
    """SHA-256 of a list of files: a line ``name size`` for each."""
    with ThreadPoolExecutor(_READERS) as pool:
        shares = pool.map(
            lambda first: _lines(folder, names[first : first + _SHARE]),
            range(0, len(names), _SHARE),
        )
        return hashlib.sha256("".join(shares).encode()).hexdigest()


def _lines(folder: Path, names: list[str]) -> str:
    """A line ``name size`` for each file."""
    return "".join(f"{name} {_size(f'{folder}/{name}')}\n" for name in names)


def _size(path: str) -> int | str:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return "missing"
