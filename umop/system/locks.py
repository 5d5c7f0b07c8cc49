"""Locks between processes, also of several nodes where their file system has locks."""

from __future__ import annotations

import contextlib
import errno
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from umop.system.console import note
from umop.system.errors import UserError

WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What a file system answers that has no locks."""


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Waits until no other process fills a folder, which is made, and keeps others waiting.

    The kernel drops the lock when the process ends, however it ends.

    Raises:
        UserError: The folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a")
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}.") from error
    with lock:
        take(lock, folder)
        yield


def take(lock: IO[str], folder: Path) -> None:
    """Locks an open file, once no other process has it locked."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        note(f"waiting for another process that fills {folder}")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise
        note(f"warning: {folder} cannot be locked: do not fill it twice at the same time")
