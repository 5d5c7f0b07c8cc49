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
from umop.system.console import note
from umop.system.errors import FetchError, Stopped, UserError
from umop.system.locks import file_lock, try_lock

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_SECONDS_FOR_A_LOST_MACHINE = 120.0
"""NFSv4 drops a lost machine's locks after 90 s, unless its server is set otherwise."""


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
        _outwait_lost_machine(run, lock)
    run.lock.write_text(f"{holder()}\n{_machine()}\n")
    return lock, is_new


def _outwait_lost_machine(run: RunFolder, lock: FileLock) -> None:
    """Waits for a lock that a machine which is gone may have left; one of this machine is none.

    Raises:
        UserError: The run is being trained.
    """
    by, machine = _said(run)
    if machine in ("", _machine()):
        raise UserError(_held(run, by))
    seconds = _SECONDS_FOR_A_LOST_MACHINE
    note(f"waiting {seconds:.0f} s at most, in case that machine is lost: {run.lock} is of {by}")
    if not try_lock(lock, seconds):
        raise UserError(f"{_held(run, by)} If that machine is lost, delete {run.lock}.")


def _said(run: RunFolder) -> tuple[str, str]:
    """Who has locked a run, and on which machine, as far as that is known."""
    by, _, machine = run.lock.read_text(errors="replace").partition("\n")
    return by or "another process", machine.strip()


def _machine() -> str:
    """Tells one start of a machine from all others; pods of one name have the same host name."""
    try:
        return _BOOT.read_text().strip()
    except OSError:  # macOS
        return socket.gethostname()


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


def _held(run: RunFolder, by: str) -> str:
    """Says which process trains a run, and what to do."""
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
