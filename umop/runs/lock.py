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

from filelock import FileLock

from umop.runs.folder import RunFolder
from umop.system.errors import FetchError, Stopped, UserError
from umop.system.locks import file_lock, try_lock


@contextlib.contextmanager
def locked(run: RunFolder) -> Iterator[None]:
    """Makes a run's folder and keeps other processes from training in it.

    The kernel drops the lock when the process ends, however it ends. A folder that this start
    made is removed again where it is refused before anything was trained, or stopped before
    anything was written.

    Raises:
        UserError: Another process trains the run, or the folder cannot be written.
    """
    try:
        lock, is_new = _acquire(run)
    except OSError as error:
        raise UserError(f"{run.folder} cannot be written: {error.strerror}.") from error
    try:
        yield
    except (UserError, FetchError):
        if is_new and run.latest_checkpoint() is None and not run.metrics_file.is_file():
            shutil.rmtree(run.folder, ignore_errors=True)
        raise
    except Stopped:
        if is_new and list(run.folder.iterdir()) == [run.lock]:
            shutil.rmtree(run.folder, ignore_errors=True)
        raise
    finally:
        lock.release()


def _acquire(run: RunFolder) -> tuple[FileLock, bool]:
    """Returns the lock, and whether the folder was made for it.

    Raises:
        OSError: The folder cannot be written.
        UserError: Another process has locked it.
    """
    is_new = _make(run.folder)
    lock = file_lock(run.lock)
    if not try_lock(lock):
        raise UserError(_held_by_another(run))
    run.lock.write_text(holder())
    return lock, is_new


def _make(folder: Path) -> bool:
    """Makes a folder unless it is there; returns whether it did.

    Raises:
        OSError: It cannot be made, or a file or a link to nowhere has its name.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        folder.resolve(strict=True)
        return False
    return True


def holder() -> str:
    """What a second start says about this one."""
    since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}"


def _held_by_another(run: RunFolder) -> str:
    """Says which process trains a run, and what to do."""
    by = run.lock.read_text(errors="replace") or "another process"
    return (
        f"{run.folder} is being trained by {by}. Wait for it or stop it, or give this run "
        "another name with --run."
    )


def is_locked(run: RunFolder) -> bool:
    """Whether a process trains the run; the folder may be mounted to be read only."""
    if not run.lock.is_file():
        return False
    with run.lock.open() as lock:
        try:  # not by filelock, which opens the file to write it
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
