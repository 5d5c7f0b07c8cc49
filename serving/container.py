"""How a command ends by SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def end_by_sigterm() -> None:
    """Has SIGTERM end this process as Ctrl-C does: what it has begun to write is cleared up.

    The kernel would end it at once, and a container's first process not at all. What runs later
    may handle the signal in another way.
    """
    process = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() == process:
            sys.exit(128 + number)
        os._exit(128 + number)  # a process that this one has forked

    signal.signal(signal.SIGTERM, end)
