"""Checkpoints on disk: written whole or not at all, and checked before they are used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch

from serving.shared import sha256_of
from umop.runs.folder import BEST, RunFolder
from umop.system.console import note
from umop.system.errors import UserError
from umop.system.files import flush, replace_text


def checksum_file(checkpoint: Path) -> Path:
    """Where a checkpoint's SHA-256 is kept, in the format of ``sha256sum``."""
    return checkpoint.with_name(f"{checkpoint.name}.sha256")


def write_checkpoint(checkpoint: Path, write: Callable[[Path], None]) -> None:
    """Writes a checkpoint and its checksum; one of that name stays until the new one is whole.

    Args:
        checkpoint: Its path.
        write: Writes the content to the path that it is given.
    """
    temporary = checkpoint.with_name(f".{checkpoint.name}.tmp")
    try:
        write(temporary)
        _make_newest(temporary)
        flush(temporary)
        line = f"{sha256_of(temporary)}  {checkpoint.name}\n"
        checksums = checksum_file(checkpoint)
        before = checksums.read_text() if checksums.is_file() else ""
        replace_text(checksums, before + line)  # whichever of the two is there is known
        temporary.replace(checkpoint)
        replace_text(checksums, line)
    finally:
        temporary.unlink(missing_ok=True)
    flush(checkpoint.parent)


def _make_newest(checkpoint: Path) -> None:
    """Dates a checkpoint behind all others: the clock may have been ahead, or another machine's."""
    others = by_age(RunFolder(checkpoint.parent))
    newest = max((path.stat().st_mtime_ns for path in others), default=0)
    if checkpoint.stat().st_mtime_ns <= newest:
        later = newest + 10**9  # a second: some file systems keep no less
        os.utime(checkpoint, ns=(later, later))


def remove_all_but(run: RunFolder, newest: int) -> None:
    """Removes the older checkpoints of a run, and their checksums."""
    for checkpoint in by_age(run)[newest:]:
        checkpoint.unlink()
        checksum_file(checkpoint).unlink(missing_ok=True)


def by_age(run: RunFolder) -> list[Path]:
    """A run's checkpoints, the newest first; the best is not among them."""
    found = [path for name in ("epoch_*.pth", "iter_*.pth") for path in run.folder.glob(name)]
    return sorted(found, key=lambda path: path.stat().st_mtime_ns, reverse=True)


def describe_checkpoint(checkpoint: Path) -> str:
    """Says which of a run's checkpoints a command takes."""
    if checkpoint.name != BEST:
        return f"Checkpoint: {checkpoint.name}, the newest"
    return f"Checkpoint: {BEST}, of iteration {iteration_of(checkpoint)}, which had the best AP"


def iteration_of(checkpoint: Path) -> int:
    """How many iterations were done when a checkpoint was saved."""
    content = torch.load(checkpoint, map_location="cpu", mmap=True, weights_only=False)
    return int(content["meta"]["iter"])


def newest_whole(run: RunFolder) -> Path | None:
    """The newest checkpoint of a run that is not damaged, None before there is one.

    Warns of each that is, and of one without a checksum beside it.

    Raises:
        UserError: All of them are damaged.
    """
    newest = run.latest_checkpoint()
    if newest is None:
        return None
    candidates = [newest, *(path for path in by_age(run) if path != newest)]
    for checkpoint in candidates:
        if is_whole(checkpoint):
            if not checksum_file(checkpoint).is_file():
                note(
                    f"warning: {checkpoint} has no .sha256 beside it; the sums inside it are right"
                )
            return checkpoint
        note(f"warning: {checkpoint} is {'damaged' if checkpoint.is_file() else 'gone'}")
    raise UserError(
        f"{run.folder} has no checkpoint that is whole. Delete the folder to train again, or name "
        "another run with --run."
    )


def require_whole(checkpoint: Path) -> Path:
    """The same checkpoint, which is not damaged.

    Raises:
        UserError: It is.
    """
    if not is_whole(checkpoint):
        raise UserError(
            f"{checkpoint} is damaged: it is not the file that was saved. Delete it to take "
            "another of the run's; one that you have changed, or that is not from here, must have "
            f"no {checksum_file(checkpoint).name} beside it."
        )
    return checkpoint


@contextmanager
def unreplaced(checkpoint: Path) -> Iterator[None]:
    """Refuses what was made of a checkpoint in the block, where another took its place meanwhile.

    Raises:
        UserError: Another did, as where training goes on.
    """
    before = _identity(checkpoint)
    yield
    if _identity(checkpoint) != before:
        raise UserError(
            f"{checkpoint} was replaced while this was made of it: training goes on. Start the "
            "command again, or once training is done."
        )


def _identity(checkpoint: Path) -> tuple[int, int, int] | None:
    """What differs where a file has been replaced; None where there is none."""
    try:
        found = checkpoint.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint is what its checksum says; without one, what the sums inside it say."""
    checksums = checksum_file(checkpoint)
    lines = checksums.read_text(errors="replace").split("\n") if checksums.is_file() else []
    known = [line.split()[0] for line in lines if line.strip()]
    if not known:
        return _has_whole_parts(checkpoint)
    return checkpoint.is_file() and sha256_of(checkpoint) in known


def _has_whole_parts(checkpoint: Path) -> bool:
    """Whether each part of a file of ``torch.save``, which is a zip, has its CRC-32."""
    try:
        with ZipFile(checkpoint) as parts:
            return parts.testzip() is None
    except (OSError, BadZipFile):
        return False
