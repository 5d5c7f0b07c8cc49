"""What training does with a run that is mirrored, without training."""

from __future__ import annotations

import json
from pathlib import Path

from serving.storage import Store
from umop.runs.checkpoints import write_checkpoint
from umop.runs.folder import RunFolder
from umop.runs.mirror import Mirror
from umop.runs.snapshot import Snapshot


def save(run: RunFolder, iteration: int) -> None:
    """Does what training does when it saves."""
    run.folder.mkdir(exist_ok=True)
    content = f"weights {iteration}".encode() * 1000
    write_checkpoint(run.folder / f"iter_{iteration}.pth", lambda path: _write(path, content))
    (run.folder / "last_checkpoint").write_text(f"iter_{iteration}.pth\n")
    with run.metrics_file.open("a") as file:
        file.write(json.dumps({"iter": iteration}) + "\n")


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def fresh(tmp_path: Path) -> RunFolder:
    (tmp_path / "elsewhere").mkdir()
    run = RunFolder(tmp_path / "elsewhere" / "trees")
    run.folder.mkdir()
    return run


def push(run: RunFolder, place: str, iteration: int, writer: str = "one") -> Mirror:
    mirror = Mirror(run, Store(f"{place}/trees"), writer)
    mirror.pull(iteration)
    mirror.push(Snapshot.of(run, iteration))
    return mirror


def newest(run: RunFolder) -> str:
    checkpoint = run.latest_checkpoint()
    return "" if checkpoint is None else checkpoint.name


def contents(run: RunFolder) -> dict[str, bytes]:
    """The files of a run's folder by their names."""
    return {path.name: path.read_bytes() for path in run.folder.iterdir()}
