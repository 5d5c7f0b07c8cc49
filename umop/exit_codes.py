"""What the exit code of ``umop`` says; a script or a cluster's scheduler acts on it."""

from umop.errors import Stopped, UserError

FAILURE = 1
"""Something broke: the program, the machine, or training itself (a loss that is not finite)."""

MISTAKE = 2
"""The user can put it right; the message says how. The same command would fail again."""

STOPPED = 75
"""A signal stopped training after a checkpoint was saved; the same command resumes. EX_TEMPFAIL."""


def exit_code_of(error: BaseException) -> int:
    """The exit code of a command that an error ends."""
    if isinstance(error, Stopped):
        return STOPPED
    return MISTAKE if isinstance(error, UserError) else FAILURE
