"""What the process needs of the operating system, and how it is made to end."""

from __future__ import annotations

import faulthandler
import resource

BACKLOG = 2048
"""Most connections that wait to be accepted."""
_LEAST_BACKLOG = 16
_OTHERS = 96
"""File descriptors for all but connections: the model, the log, remote servers, answers of 503."""
_GRACE_SECONDS = 5


class TooFewDescriptorsError(Exception):
    """There are too few file descriptors; the message is one line that says what to do."""


def reserve_descriptors(connections: int) -> int:
    """Raises the limit of file descriptors as far as is needed and allowed.

    A connection beyond it could not even be refused, and the event loop would do nothing but try.

    Returns:
        How many connections may wait to be accepted: all of them may be accepted at once.

    Raises:
        TooFewDescriptorsError: They do not suffice for so many connections.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY in (soft, hard):
        hard = max(soft, hard, connections + BACKLOG + _OTHERS)
    limit = min(hard, max(soft, connections + BACKLOG + _OTHERS))
    needed = connections + _LEAST_BACKLOG + _OTHERS
    if limit < needed:
        raise TooFewDescriptorsError(
            f"{connections} connections need {needed} file descriptors and {limit} are allowed: "
            "raise that limit (ulimit -n), or lower --max-connections"
        )
    if limit > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    return min(BACKLOG, limit - connections - _OTHERS)


def end_within(seconds: float) -> None:
    """Ends the process a little later than that with code 1, whatever hangs in it.

    A thread of C does it, which needs nothing of Python; it prints where the others were.
    """
    faulthandler.dump_traceback_later(seconds + _GRACE_SECONDS, exit=True)
