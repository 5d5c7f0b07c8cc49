"""What is different for the first process of a container."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def end_by_sigterm() -> None:
    """Has SIGTERM end this process, if it is a container's first: the kernel would not.

    What runs later may handle the signal in another way.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)
