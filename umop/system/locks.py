"""Exclusive locks between processes, also of several nodes where their file system has locks."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from umop.system.console import note
from umop.system.errors import UserError

_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
"""What a file system answers that has no locks."""
_SECONDS_OF_RETRIES = 0.2
"""Time for a lock file that another process removes meanwhile to be made again."""


@contextlib.contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Waits until no other process fills a folder, which is made, and keeps others waiting.

    The kernel drops the lock when the process ends, however it ends.

    Raises:
        UserError: The folder cannot be written.
    """
    lock = file_lock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not try_lock(lock):
            note(f"waiting for another process that fills {folder}")
            lock.acquire()
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}.") from error
    try:
        yield
    finally:
        lock.release()


def file_lock(path: Path) -> FileLock:
    """A lock that any thread may release, and that no other kind stands in for."""
    return FileLock(path, thread_local=False, fallback_to_soft=False)


def try_lock(lock: FileLock, seconds: float = _SECONDS_OF_RETRIES) -> bool:
    """Locks a file unless another process has; where there are no locks, with a warning.

    Args:
        lock: Of the file.
        seconds: How long another process is waited for.

    Raises:
        OSError: The file cannot be opened.
    """
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
        folder = Path(lock.lock_file).parent
        note(f"warning: {folder} cannot be locked: do not use it twice at the same time")
    return True
