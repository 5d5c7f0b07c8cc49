"""What the exit code of ``umop`` says; a script or a cluster's scheduler acts on it."""

from umop.system.errors import FailedRankError, LostRankError, MachineError, Stopped, UserError

FAILURE = 1
"""Something broke: the program, the machine, or training itself (a loss that is not finite)."""

MISTAKE = 2
"""The user can put it right; the message says how. The same command would fail again."""

WORSE = 3
"""A run is worse than the one that it was compared with, by more than chance explains."""

STOPPED = 75
"""Training was broken off from outside, and the same command resumes: EX_TEMPFAIL.

A signal stopped it after a checkpoint was saved, or another of its processes is gone.
"""


def exit_code_of(error: BaseException) -> int:
    """The exit code of a command that an error ends."""
    if isinstance(error, Stopped | LostRankError):
        return STOPPED
    if isinstance(error, FailedRankError):
        return error.exit_code
    is_mistake = isinstance(error, UserError) and not isinstance(error, MachineError)
    return MISTAKE if is_mistake else FAILURE
