"""Packs a bundle as an archive (``.mar``) that TorchServe serves."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

import serving
from serving.bundle import MANIFEST, Bundle, BundleError
from serving.bundle.remote import fetched_bundle
from serving.schemas.names import ArchiveEngine

PACKAGE = Path(serving.__file__).parent
_NEEDED: Mapping[ArchiveEngine, str] = {
    "auto": "model.onnx",
    "onnxruntime": "model.onnx",
    "torch": "model.pt2",
}
BUNDLE = "model.bundle.zip"
REQUIREMENTS = ("numpy", "onnxruntime", "opencv-python-headless", "pillow", "pydantic")
_MAX_QUEUE = 64
_MAX_PIXELS = 50_000_000
_STARTUP_SECONDS = 300
_RESPONSE_SECONDS = 30


@dataclass(frozen=True)
class WorkerOptions:
    """What TorchServe's workers do.

    Attributes:
        batch_size: Most requests in a batch; more than one is for GPUs.
        batch_delay_ms: Milliseconds that a request waits for others.
        workers: Processes; each loads the model.
        threads: CPU threads of a worker; 0 for one a core that it may use.
        engine: What runs the network; ``auto`` is ``torch`` where there is a GPU and the bundle has
            a ``model.pt2``, else ``onnxruntime``.
    """

    batch_size: int = 1
    batch_delay_ms: int = 10
    workers: int = 1
    threads: int = 0
    engine: ArchiveEngine = "auto"

    def model_config(self) -> dict[str, Any]:
        """The content of ``model-config.yaml``."""
        return {
            "minWorkers": self.workers,
            "maxWorkers": self.workers,
            "batchSize": self.batch_size,
            "maxBatchDelay": self.batch_delay_ms,
            "jobQueueSize": _MAX_QUEUE,
            "responseTimeout": _RESPONSE_SECONDS,
            "startupTimeout": _STARTUP_SECONDS,
            "handler": {"engine": self.engine, "threads": self.threads, "max_pixels": _MAX_PIXELS},
        }


def write_archive(bundle: Path, target: Path, options: WorkerOptions = WorkerOptions()) -> Path:
    """Writes the archive: the bundle, the handler, and the modules of ``serving`` that it needs.

    TorchServe needs nothing of this project installed, only the packages in ``requirements.txt``.

    Args:
        bundle: The bundle's folder or zip.
        target: The archive to write; its name without ``.mar`` is TorchServe's name for the model.
        options: What the workers do.

    Returns:
        ``target``.

    Raises:
        BundleError: The bundle cannot be used or has no network for the engine, TorchServe cannot
            name a model so, or torch-model-archiver is missing or fails.
    """
    if find_spec("model_archiver") is None:
        raise BundleError("torch-model-archiver is not installed: pip install 'umop[torchserve]'")
    opened = Bundle.open(bundle)
    opened.read(_NEEDED[options.engine])
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", target.stem):
        raise BundleError(f"{target}: a model's name may have letters, digits, and _ . - only")
    with TemporaryDirectory() as scratch:
        parts = Path(scratch) / "parts"
        (parts / "modules").mkdir(parents=True)
        opened.pack(parts / BUNDLE)
        shutil.copytree(PACKAGE, parts / "modules" / "serving", ignore=_all_but_modules)
        (parts / "model-config.yaml").write_text(yaml.safe_dump(options.model_config()))
        (parts / "requirements.txt").write_text(_requirements())
        _run_archiver(parts, target.stem, opened.manifest.version)
        shutil.move(parts / f"{target.stem}.mar", target)
    return target


@contextmanager
def archived(
    model: str | Path, options: WorkerOptions = WorkerOptions(), name: str | None = None
) -> Iterator[Path]:
    """Yields an archive as it is, and of a bundle an archive that lasts as long.

    Args:
        model: The archive or the bundle, or its address.
        options: What the workers do, if it is a bundle; an archive has its own.
        name: TorchServe's name for a bundle's model; the bundle's own if None.

    Raises:
        BundleError: The bundle cannot be used or packed.
    """
    with ExitStack() as held:
        path = held.enter_context(fetched_bundle(model)).path
        if _is_bundle(path):
            name = name or Bundle.open(path).manifest.name
            folder = held.enter_context(TemporaryDirectory(prefix="archive-"))
            path = write_archive(path, Path(folder) / f"{name}.mar", options)
        yield path


def _is_bundle(model: Path) -> bool:
    if not zipfile.is_zipfile(model):
        return model.is_dir()
    with zipfile.ZipFile(model) as members:
        return MANIFEST in members.namelist()


def _run_archiver(parts: Path, name: str, version: str) -> None:
    command = [sys.executable, "-m", "model_archiver.model_packaging", "--force"]
    arguments = {
        "model-name": name,
        "version": version,
        "handler": PACKAGE / "torchserve" / "handler.py",
        "serialized-file": BUNDLE,
        "extra-files": "modules",
        "config-file": "model-config.yaml",
        "requirements-file": "requirements.txt",
        "archive-format": "zip-store",
        "export-path": ".",
    }
    options = [word for key, value in arguments.items() for word in (f"--{key}", str(value))]
    # It deletes and refills a folder of the model's name in the temporary folder.
    environment = {**os.environ, "TMPDIR": str(parts.parent)}
    done = subprocess.run(
        [*command, *options], cwd=parts, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise BundleError(f"torch-model-archiver failed: {lines[-1]}")


def _requirements() -> str:
    return "".join(f"{_pinned(name)}\n" for name in REQUIREMENTS)


def _pinned(package: str) -> str:
    """A package at its installed version; ``onnxruntime-gpu`` may replace ``onnxruntime``."""
    try:
        return f"{package}=={metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return f"{package}-gpu=={metadata.version(f'{package}-gpu')}"


def _all_but_modules(folder: str, names: list[str]) -> list[str]:
    """What ``copytree`` leaves out: all but Python modules and the folders that hold them."""
    return [
        name
        for name in names
        if not name.endswith(".py")
        and (name == "__pycache__" or not any((Path(folder) / name).glob("*.py")))
    ]
