"""What a user sees as a message instead of a traceback."""

from __future__ import annotations

import errno

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NOT_WRITABLE = (
    *_NO_SPACE,
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP),
)
"""What a system answers where nothing can be written."""


def is_of_full_disk(error: BaseException | None) -> bool:
    """Whether an error says that a disk has no space left."""
    return isinstance(error, OSError) and error.errno in _NO_SPACE


class UserError(Exception):
    """Something the user can put right; the message says what is wrong and what to do."""

    def summary(self) -> str:
        """Only the message, without the traceback of a data loader's process.

        An error raised in such a process arrives with that process's traceback as its text, and
        its message behind the exception's name. The method must not be called ``message``: torch
        raises an exception that has such an attribute again as ``UserError(message=…)``.
        """
        return str(self).rpartition(f"{__name__}.{type(self).__name__}: ")[2].strip()


class MachineError(UserError):
    """This machine lacks what another may have; the message says what, and what to do."""


class TrainingError(Exception):
    """Training broke in a way that is understood; the message says how, and what is kept."""


class LostRankError(TrainingError):
    """Another of the processes that train together is gone; the message names it."""


class FailedRankError(TrainingError):
    """A rank failed that has said why itself, or whose reason another node says.

    Attributes:
        exit_code: Its own.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message, exit_code)
        self.exit_code = exit_code

    def __str__(self) -> str:
        return str(self.args[0])


class FetchError(Exception):
    """Something could not be fetched; the same command may succeed later."""


class Stopped(KeyboardInterrupt):
    """Training was stopped from outside; the same command or call goes on.

    It is no ``Exception``: it is raised wherever the program is, and must not be taken for an
    unreadable image or a broken config there.

    Attributes:
        done: Iterations that are saved; None where that is not known here.
        total: Iterations of the whole training.
    """

    def __init__(self, done: int | None = None, total: int | None = None) -> None:
        super().__init__(done, total)
        self.done = done
        self.total = total

    def __str__(self) -> str:
        if self.done is None:
            return ""
        if self.done <= 0:
            return "Stopped before the first step."
        return f"Stopped after iteration {self.done} of {self.total}, which is saved."
