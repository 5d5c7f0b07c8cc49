"""Records what a result came from."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from umop.digest import sha256_of

PACKAGES = ("torch", "torchvision", "onedl-mmdetection", "onedl-mmcv", "onedl-mmengine", "timm")


def provenance(config: Config) -> dict[str, Any]:
    """Returns commit, versions, hardware, data fingerprint, seed and command, as JSON values."""
    return {
        "started": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(["umop", *sys.argv[1:]]),
        "commit": commit(),
        "seed": config.randomness.seed,
        "data": fingerprint(config),
        "devices": devices(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def commit() -> str | None:
    """The git commit of the code, ``-dirty`` if it was changed since; None outside a checkout."""
    here = Path(__file__).parent
    describe = ["git", "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        return subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def devices() -> list[str]:
    """The names of the GPUs, or of the processor where there is none."""
    if torch.cuda.is_available():
        return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return [f"{platform.machine()} CPU, {torch.get_num_threads()} threads"]


def fingerprint(config: Config) -> dict[str, str]:
    """SHA-256 of the annotation files that training and evaluation read."""
    files = {}
    for split in ("train", "val"):
        dataset = config[f"{split}_dataloader"].dataset
        path = Path(dataset.data_root) / dataset.ann_file
        if path.is_file():
            files[str(path)] = sha256_of(path)
    return files


def write_provenance(path: Path, config: Config) -> None:
    """Adds an entry to a run's ``provenance.json``: one for each time it was started."""
    entries = json.loads(path.read_text()) if path.is_file() else []
    path.write_text(json.dumps([*entries, provenance(config)], indent=2) + "\n")
