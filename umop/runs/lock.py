"""Holds a run's folder while it trains."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from umop.runs.folder import Run
from umop.system.console import note
from umop.system.errors import FetchError, UserError
from umop.system.locks import WITHOUT_LOCKS


@contextlib.contextmanager
def locked(run: Run) -> Iterator[None]:
    """Makes a run's folder and keeps other processes from training in it.

    The kernel drops the lock when the process ends, however it ends. A folder that this start
    made is removed again where the start is refused before anything was trained.

    Raises:
        UserError: Another process trains the run, or the folder cannot be written.
    """
    try:
        lock, is_new = acquire(run)
    except OSError as error:
        raise UserError(f"{run.folder} cannot be written: {error.strerror}.") from error
    try:
        yield
    except (UserError, FetchError):
        if is_new and run.latest_checkpoint() is None and not run.metrics.is_file():
            shutil.rmtree(run.folder)
        raise
    finally:
        release(lock)


def acquire(run: Run) -> tuple[int, bool]:
    """Returns the descriptor of the lock file, and whether the folder was made for it."""
    while True:
        is_new = make(run.folder)
        try:
            lock = os.open(run.lock, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:
            if run.folder.is_symlink():  # it points nowhere
                raise
            continue  # another start was refused and removed the folder
        take(lock, run)
        if is_at(lock, run.lock):
            os.ftruncate(lock, 0)
            os.write(lock, holder().encode())
            return lock, is_new
        os.close(lock)


def make(folder: Path) -> bool:
    """Makes a folder unless it is there; returns whether it did."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    return True


def take(lock: int, run: Run) -> None:
    """Locks an open file.

    Raises:
        UserError: Another process has locked it.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        by = os.read(lock, 1000).decode(errors="replace") or "another process"
        os.close(lock)
        raise UserError(
            f"{run.folder} is being trained by {by}. Wait for it or stop it, or give this run "
            "another name with --run."
        ) from error
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        note(f"warning: {run.folder} cannot be locked: do not train it twice at the same time")


def is_at(lock: int, path: Path) -> bool:
    """Whether an open file is still the one at a path."""
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def holder() -> str:
    """What a second start says about this one."""
    since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}"


def release(lock: int) -> None:
    """Unlocks; closing alone would not while a data loader's process has the file open."""
    with contextlib.suppress(OSError):
        fcntl.flock(lock, fcntl.LOCK_UN)
    os.close(lock)
